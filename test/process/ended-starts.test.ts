import t from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SLOW, ended, modules } from './ended.ts'
import { served } from './server.ts'
import { scratch } from '../work/harness.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'

const ENDS: Record<string, string> = {
  here:
    'import { execSync } from "node:child_process"; if (process.send === undefined) execSync(`kill -9 ${process.pid}`)',
  trial: 'if (process.send !== undefined) { process.kill(process.ppid, "SIGKILL"); await new Promise(() => {}) }'
}

for (const [name, text] of Object.entries(ENDS)) {
  t.test(
    `a file that ends three starts during its import (${name}) is left out until it changes [F34]`,
    SLOW,
    async t => {
      const root = scratch(t)
      const files = { ...modules({ [name]: text }), 'a.ts': taskFile('a'), 'z.ts': taskFile('z') }
      let server = await served(t, { root, files })
      let starts = 1
      // A file that ends offpeak from a child process may be mistaken for the file before it at first.
      for (; server.url === '' && starts < 7; starts++) {
        t.strictSame(await server.exit, [null, 'SIGKILL'], `start ${starts}`)
        server = await served(t, { root, files })
      }
      t.ok(starts >= 4, `${starts} starts`)
      const health = (await server.call('GET', '/api/health')).body as { broken: { where: string, message: string }[] }
      t.match(health.broken, [{
        where: `${name}.mjs`,
        message: /has ended offpeak 3 times in a row while it was imported/
      }])
      for (const id of ['a', 'z']) t.match(await ended(server, id), { state: 'completed' }, 'other files run')
      writeFileSync(join(root, 'backgroundtask', `${name}.mjs`), modules({ [name]: '' })[`${name}.mjs`]!)
      await until('it is loaded again', async () => (await server.call('GET', `/api/tasks/${name}`)).status === 200)
      t.match(await ended(server, name), { state: 'completed' })
    }
  )
}
