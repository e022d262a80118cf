import type { Test } from 'tap'
import { HOSTILE, hostileText } from '../hostile.ts'
import { ISOLATIONS } from '../../core/model/task/isolation.ts'
import { home } from '../manager/home.ts'
import { until } from '../clock.ts'
import type { FullRun } from '../../core/model/run/run.ts'
import type { Owner } from './harness.ts'

export const SLOW = { timeout: 240_000 }
const OVER = ['completed', 'failed', 'skipped', 'cancelled']

/** Calls every method of the context with each hostile value as each of its arguments, and catches what they throw. */
const METHODS = `
  const calls = [
    v => ctx.progress.setTotal(v, v), v => ctx.progress.setTotal(1, v), v => ctx.progress.advance(v, v),
    v => ctx.progress.advance(1, v), v => ctx.progress.update(v, v), v => ctx.progress.update(1, v),
    v => ctx.progress.setMessage(v), v => ctx.progress.setStage(v, v, v), v => ctx.progress.setStage('part', v, v),
    v => ctx.log.info(v), v => ctx.log.warn(v, v), v => ctx.log.error({ v }, '%s %d %j %o %O', v, v, v, v, v),
    v => ctx.log.info('%s', v), v => ctx.log.debug([v]), v => ctx.log.fatal({ err: v, level: v, msg: v, time: v }),
    v => console.log(v), v => ctx.checkpoint.save(v), v => ctx.checkpoint.save({ v }), v => ctx.checkpoint.read(v),
    v => ctx.step(v, () => 1), (v, name) => ctx.step('returns ' + name, () => v),
    (v, name) => ctx.step('throws ' + name, () => { throw v }), (v, name) => ctx.step('calls ' + name, v),
    v => ctx.breathe(v), v => ctx.breathe({ slot: v }), v => ctx.enqueue(v), v => ctx.enqueue('unknown', v),
    v => ctx.enqueue('fine', { payload: v, delay: 86400 }), v => ctx.enqueue('fine', { delay: v }),
    v => ctx.enqueue('fine', { due_at: v }), v => ctx.enqueue('fine', { key: v, delay: 86400 }),
    v => ctx.enqueue('fine', { after: v, priority: v, unique: v }), v => ctx.enqueue('fine', { after: [v] }),
    v => ctx.onHints(v), v => ctx.onHints(() => { throw v }), v => ctx.signal.addEventListener('abort', v),
    v => { ctx.signal.onabort = v }, v => ctx.signal.addEventListener('abort', () => { throw v }),
    v => ctx.signal.addEventListener('abort', async () => { throw v }), v => ctx.signal.dispatchEvent(v),
    v => ctx.skip(v), v => ctx.fail(v), v => ctx.retryAfter(v), v => ctx.retryAfter(1, v), v => ctx.warn(v, v),
    v => { ctx.payload.v = v }, v => { ctx.results.v = v }, v => ctx.services[v], v => ctx.services.offpeak.report(v),
    v => { setTimeout(() => { throw v }) }, v => { Promise.reject(v) }, v => { process.emitWarning(v) }
  ]
  let called = 0
  for (const [name, make] of Object.entries(HOSTILE)) {
    for (const call of calls) {
      called++
      if (called % ctx.payload.of !== 0) continue
      try { await Promise.race([call(make(), name), new Promise(ok => setTimeout(ok, 100))]) } catch {}
    }
  }
  return called === calls.length * Object.keys(HOSTILE).length`

const FILE = `
const HOSTILE = ${hostileText()}
const acts = {
  returns: (ctx, make) => make(),
  throws: (ctx, make) => { throw make() },
  warns: (ctx, make) => ctx.warn(make(), make()),
  skips: (ctx, make) => ctx.skip(make()),
  fails: (ctx, make) => ctx.fail(make()),
  changed: (ctx, make) => {
    try { ctx.retryAfter(1) } catch (error) {
      throw Object.defineProperties(error, { ms: { get: make }, message: { value: make() } })
    }
  }
}
const methods = async ctx => { ${METHODS} }
const both = Object.entries(acts).map(([id, act]) => [id, ctx => act(ctx, HOSTILE[ctx.payload.name])])
export const TASK_DEFINITIONS = [
  { id: 'fine', func: () => 1 },
  ...${JSON.stringify(ISOLATIONS)}.flatMap(isolation => [...both, ['methods', methods]].map(([id, func]) =>
    ({ id: id + '.' + isolation, isolation, func, max_retries: 0, timeout: 100 })))
]
`

export const ACTS = ['returns', 'throws', 'warns', 'skips', 'fails', 'changed']
export const isText = (value: unknown) => typeof value === 'string' && value.length <= 4000

export async function setup (t: Owner) {
  const it = await home(t, {
    files: { 'hostile.mjs': FILE },
    abortGraceMs: 2000,
    config: { manager: { stop_grace: 0, scheduler_thread_pool: 6 } }
  })
  await it.manager.start()
  const { desk, engine } = it.manager
  const ended = async (task: string, payload: unknown): Promise<FullRun> => {
    const { run: { id } } = await desk.enqueue(task, { payload })
    await until(`${task} ${JSON.stringify(payload)} is over`, async () => OVER.includes((await engine.get(id))!.state),
      100_000)
    return (await engine.get(id))!
  }
  return { ...it, ended }
}

/** Tests of tasks with hostile values in one place of isolation. Every `of`-th value and every `calls`-th method call
 *  is tried. */
export function contained (t: Test, place: string, { of, calls }: { of: number, calls: number }): void {
  t.test(`an attempt ends with a bounded message, whatever its task returns or throws (${place}) [F31, F32]`, SLOW,
    async t => {
      const { ended } = await setup(t)
      const asks = ACTS.flatMap(act => Object.keys(HOSTILE).map(name => ({ act, name }))).filter((_, at) =>
        at % of === 0
      )
      await Promise.all(asks.map(async ({ act, name }) => {
        const run = await ended(`${act}.${place}`, { name })
        const what = `${act} ${name}`
        if (run.state === 'failed') t.ok(isText(run.error?.message), `${what}: ${run.error?.message}`)
        if (act === 'throws' || act === 'fails') t.equal(run.state, 'failed', what)
        t.ok(JSON.stringify(run).length < 350_000, what)
      }))
      t.notOk('polluted' in {}, 'no prototype is polluted')
    })

  t.test(`every method of the context survives any argument (${place}) [F25, F31]`, SLOW, async t => {
    const { ended, manager } = await setup(t)
    const run = await ended(`methods.${place}`, { of: calls })
    t.match(run, { state: 'completed', result: true })
    const lines = await manager.desk.logs({ id: run.id, after: 0, limit: 5000 })
    t.ok(lines.length > 20 && lines.every(line => JSON.stringify(line).length < 100_000))
    t.match(await ended('fine', null), { state: 'completed' })
  })
}
