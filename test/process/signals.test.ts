import t from 'tap'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launched, left, served } from './server.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'
import { stopwatch } from '../promptly.ts'

const OBEYS = 'await new Promise((_, no) => ctx.signal.addEventListener("abort", () => no(ctx.signal.reason)))'
const FILES = {
  'nearly.ts': taskFile('nearly', 'const { existsSync } = await import("node:fs")\n' +
    'while (!existsSync("let-go")) await new Promise(r => setTimeout(r, 20))\nreturn "done"', { max_retries: 0 }),
  'obeys.ts': taskFile('obeys', OBEYS, { max_retries: 0 }),
  'ignores.ts': taskFile('ignores', 'await new Promise(r => setTimeout(r, 60000))', { max_retries: 0 })
}
const configOf = (stopGrace = 1) => ({ manager: { stop_grace: stopGrace } })
const STOPPING = /"notice":"stopping"/

interface Running {
  id: string
}

async function running (t: Parameters<typeof served>[0], tasks: string[], stopGrace?: number) {
  const it = await served(t, { files: FILES, config: configOf(stopGrace) })
  const ids: Record<string, string> = {}
  for (const task of tasks) ids[task] = ((await it.call('POST', `/api/tasks/${task}/runs`, {})).body as Running).id
  await until('all are running',
    async () =>
      ((await it.call('GET', '/api/runs?state=running')).body as { items: unknown[] }).items.length === tasks.length)
  return { ...it, ids }
}

t.test('SIGTERM lets runs finish in the grace, gives other attempts back and exits with 0 [F04]', {
  timeout: 240_000
}, async t => {
  const { child, exit, root, ids, output } = await running(t, ['nearly', 'obeys', 'ignores'], 5)
  const elapsed = stopwatch()
  child.kill('SIGTERM')
  await until('it is stopping', () => STOPPING.test(output()))
  writeFileSync(join(root, 'let-go'), '')
  t.strictSame(await exit, [0, null])
  t.ok(elapsed() < 20_000, 'within the grace')
  const { desk } = await left(t, root)
  t.match(await desk.run(ids.nearly!), { state: 'completed', result: 'done' })
  for (const task of ['obeys', 'ignores']) {
    t.match(await desk.run(ids[task]!), {
      state: 'queued',
      attempt: 0,
      crashes: 0,
      turn: 1,
      reason: { code: 'stopping' }
    }, task)
  }
})

t.test('a second signal exits at once, and no run is lost [F05]', { timeout: 240_000 }, async t => {
  const { child, exit, root, ids, output } = await running(t, ['ignores'], 60)
  child.kill('SIGTERM')
  await until('it is stopping', () => STOPPING.test(output()))
  const elapsed = stopwatch()
  child.kill('SIGTERM')
  const [code] = await exit
  t.not(code, 0)
  t.ok(elapsed() < 1000, 'at once')
  const { desk } = await left(t, root)
  t.match(await desk.run(ids.ignores!), { turn: 1 })
})

t.test('SIGHUP reads the configuration again and stops nothing [F05]', { timeout: 240_000 }, async t => {
  const { child, ids, call } = await running(t, ['obeys'])
  child.kill('SIGHUP')
  t.match((await call('GET', `/api/runs/${ids.obeys!}`)).body, { state: 'running' })
  t.equal(child.exitCode, null)
})

t.test('runs of a killed process run again once after the next start [F01, F03]', {
  timeout: 240_000
}, async t => {
  const first = await running(t, ['obeys'])
  first.child.kill('SIGKILL')
  await first.exit
  const again = await served(t, { root: first.root, files: FILES, config: configOf() })
  await until('it runs',
    async () =>
      ((await again.call('GET', `/api/runs/${first.ids.obeys!}`)).body as { state: string }).state === 'running')
  t.match((await again.call('GET', `/api/runs/${first.ids.obeys!}`)).body, { turn: 2, crashes: 1, attempt: 1 })
})

t.test('a second instance on the same folder is refused, and the first continues [F09]', { timeout: 240_000 },
  async t => {
    const first = await served(t, { files: FILES, config: configOf() })
    const second = await served(t, { root: first.root, files: FILES, config: configOf() })
    const [code] = await second.exit
    t.not(code, 0)
    t.match(second.output(), /uses this data folder/)
    t.equal((await first.call('GET', '/api/health')).status, 200)
  })

const MOMENTS: [string, (it: ReturnType<typeof launched>) => boolean][] = [
  ['the store is open', ({ root }) => existsSync(join(root, 'data/offpeak.db'))],
  ['tasks are known', ({ output }) => output().includes('task_added')],
  ['it listens', ({ output }) => output().includes('Server listening')]
]

for (const [moment, has] of MOMENTS) {
  t.test(`SIGTERM during a start exits with 0: when ${moment} [F04]`, { timeout: 240_000 }, async t => {
    const hanging = 'await new Promise(() => setInterval(() => 1, 1000))'
    const it = launched(t, { files: { 'good.ts': taskFile('good'), 'hangs.mjs': hanging } })
    await until(moment, () => has(it) || it.child.exitCode !== null)
    it.child.kill('SIGTERM')
    t.strictSame(await it.exit, [0, null], it.output())
    t.notMatch(it.output(), /engine_failed/)
  })
}

t.test('an invalid configuration refuses the start with its place and exit code 78', { timeout: 240_000 }, async t => {
  const { exit, output } = await served(t, { config: { manager: { max_tasks: 'many' } } })
  t.strictSame(await exit, [78, null])
  t.match(output(), /config\.json:1:\d+.*\/manager\/max_tasks/s)
})

t.test('an invalid environment variable refuses the start with its name', { timeout: 240_000 }, async t => {
  const { exit, output } = await served(t, { env: { OFFPEAK_MANAGER__MAX_TASKS: 'many' } })
  t.strictSame(await exit, [78, null])
  t.match(output(), /OFFPEAK_MANAGER__MAX_TASKS/)
  t.notMatch(output(), /at .*\.ts:\d+/, 'no stack trace')
})

t.test('an uncaught error of a task is attributed to its run, and the process continues [F25]', {
  timeout: 240_000
}, async t => {
  const { call, output, child } = await served(t, {
    files: {
      'late.ts': taskFile('late',
        'setTimeout(() => { throw new Error("too late") }, 20); void Promise.reject(new Error("unhandled"))', {
        max_retries: 0
      })
    }
  })
  const { id } = (await call('POST', '/api/tasks/late/runs', {})).body as Running
  await until('it is reported', () => /too late/.test(output()))
  t.match(output(), new RegExp(`"notice":"late_error","id":"${id}","task":"late"`))
  t.match(output(), /unhandled/)
  t.equal(child.exitCode, null)
  t.match((await call('GET', `/api/runs/${id}`)).body, { state: 'completed' })
})
