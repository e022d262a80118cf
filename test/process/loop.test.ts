import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIG, FILES, add, ask, standing } from './standing.ts'
import { served } from './server.ts'
import { cli } from '../cli/setup.ts'
import { until } from '../clock.ts'
import type { Health, Problem } from './standing.ts'

t.test('health names the run, task and line of an endless loop, and SIGTERM ends the process in its grace [F04]', {
  timeout: 240_000
}, async t => {
  const it = await served(t, { files: FILES, config: CONFIG })
  await add(it, 'long')
  const id = await add(it, 'spin')
  let health: Health | null = null
  await until('health names it', async () => {
    health = await standing(it)
    return health !== null && health.loop.standing!.exact
  })
  t.match(health, {
    status: 'failed',
    reasons: [new RegExp(`run ${id} of task 'spin' blocks it at .*spin\\.ts:\\d+`)],
    loop: { standing: { runs: [{ id, task: 'spin' }] } }
  })
  t.match(await ask(it, '/livez'), { status: 503, body: { status: 'blocked' } })
  t.match(await cli(['health'], { cwd: it.root }), {
    code: 1,
    out: new RegExp(`^failed\\n {2}.*run ${id} of task 'spin'`)
  }, 'the command prints it too')
  const other = await ask(it, `/api/runs/${id}`)
  t.match(other, { status: 503, body: { code: 'OFFPEAK_LOOP_BLOCKED' } })
  t.match((other.body as unknown as Problem).detail, id)
  t.match(JSON.parse(readFileSync(join(it.root, 'data/loop.json'), 'utf8')), { runs: [{ id }], ended: null })
  await until('the log names it', () => it.output().includes(`run ${id} of task 'spin'`))
  it.child.kill('SIGTERM')
  t.strictSame(await it.exit, [null, 'SIGKILL'])
  t.match(it.output(),
    /is asked to end while its event loop is blocked: it ends in \d+ s, and at a second signal at once/)
  t.match(JSON.parse(readFileSync(join(it.root, 'data/loop.json'), 'utf8')), { runs: [{ id }], ended: 'stop' })
})

t.test('health names a run blocked in a child process, and a second signal ends offpeak at once', {
  timeout: 240_000
}, async t => {
  const it = await served(t, { files: FILES, config: CONFIG })
  const id = await add(it, 'sync')
  await until('health names it', async () => (await standing(it))?.loop.standing?.runs[0]?.id === id)
  it.child.kill('SIGTERM')
  it.child.kill('SIGINT')
  t.strictSame(await it.exit, [null, 'SIGKILL'], 'the second signal ends it')
})
