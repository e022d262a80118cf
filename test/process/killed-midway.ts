import { once } from 'node:events'
import { spawn } from '../child.ts'
import { until } from '../clock.ts'
import { served } from './server.ts'

// A test process in the middle of a test: a server that runs a script and a task in a process of its own, an idle
// child, a busy loop that ignores SIGTERM, a process whose parent has exited, and one that gets its environment after
// the end of this process. Prints its PATH once all of them run.
const LATE = 'while kill -0 "$1"; do sleep 0.02; done; sleep 0.3; : > "$2/late"; exec env PATH="$3" sleep 600'
const { call, root } = await served({ teardown: () => undefined }, {
  files: {
    'busy.mjs': `export default { id: 'busy', isolation: 'process', func: () => { for (;;); } }`,
    'slow.sh': '#!/bin/sh\n# offpeak: schedule = 0 0 1 1 *\necho "$$" > "$(dirname "$0")/../slow"; sleep 600'
  }
})
for (const task of ['busy', 'slow']) await call('POST', `/api/tasks/${task}/runs`, { now: true })
spawn('sleep', ['600'])
spawn(process.execPath, ['-e', 'process.on("SIGTERM", () => {}); for (;;);'])
await once(spawn('sh', ['-c', 'sleep 600 & exit'], { detached: true, stdio: 'ignore' }), 'exit')
spawn('env', ['-i', 'sh', '-c', LATE, 'sh', String(process.pid), root, process.env.PATH!], { stdio: 'ignore' })
const running = async () => ((await call('GET', '/api/runs?state=running')).body as { items: unknown[] }).items.length
await until('both tasks run', async () => await running() === 2)
console.log(JSON.stringify({ path: process.env.PATH, root }))
