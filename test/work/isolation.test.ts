import t from 'tap'
import { fakeSenses } from './fake-senses.ts'
import { home } from '../manager/home.ts'
import { systemClock } from '../../core/model/base/clock.ts'
import { until } from '../clock.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { Owner } from './harness.ts'

const MODES = ['inline', 'thread', 'process'] as const
const SLOW = { timeout: 240_000 }

/** A TypeScript file with the same tasks in each of the three places. */
const everywhere = (bodies: Record<string, string>, fields = '{}') => `
type Ctx = any
interface Anything { [key: string]: unknown }
const bodies: Record<string, (ctx: Ctx) => unknown> = { ${
  Object.entries(bodies).map(([name, body]) => `${name}: async (ctx: Ctx): Promise<unknown> => { ${body} }`).join(',\n')
} }
const modes = ${JSON.stringify(MODES)}
export const TASK_DEFINITIONS: Anything[] = modes.flatMap(isolation => Object.entries(bodies).map(([name, func]) =>
  ({ id: name + '.' + isolation, func, isolation, max_retries: 1, backoff: { kind: 'fixed', delay: 0.01, jitter: 0 }, ...(${fields}) })))
`

async function setup (
  t: Owner,
  bodies: Record<string, string>,
  { fields, config = {}, files = {} }: { fields?: string, config?: object, files?: Record<string, string> } = {}
) {
  const sight = fakeSenses(systemClock)
  const it = await home(t, {
    files: { 'everywhere.ts': everywhere(bodies, fields), ...files },
    config,
    senses: sight.senses,
    abortGraceMs: 400
  })
  await it.manager.start()
  t.teardown(() => it.manager.stop())
  const { desk, engine } = it.manager
  /** Runs a task to its end. */
  const ended = async (task: string, ask: object = {}) => {
    const { run } = await desk.enqueue(task, ask)
    await until(`${task} is over`,
      async () => ['completed', 'failed', 'skipped', 'cancelled'].includes((await engine.get(run.id))!.state))
    return (await engine.get(run.id))!
  }
  return { ...it, ...sight, ended }
}

t.test('a task is the same in all three places: payload, log, progress, checkpoint, retry, services, result', SLOW,
  async t => {
    const { ended, manager } = await setup(t, {
      all: `
      ctx.log.info({ file: 'a', password: 'hunter2' }, 'working on %s', 'it')
      ctx.log.error({ err: new TypeError('odd') }, 'odd')
      ctx.progress.setStage('counting', 3, 'rooms')
      ctx.progress.advance(3, 'the last room')
      ctx.progress.setStage('copying')
      ctx.progress.setTotal(10, 'files')
      ctx.progress.advance(2)
      ctx.progress.advance(5, 'seven')
      const before = await ctx.checkpoint.read()
      await ctx.checkpoint.save({ ...before, ['attempt' + ctx.attempt]: new Date(0) })
      if (ctx.attempt === 1) throw new RangeError('not yet')
      await ctx.breathe()
      return { payload: ctx.payload, task: typeof ctx.task, id: ctx.run_id.length, due: Date.parse(ctx.due_at) > 0, aborted: ctx.signal.aborted, before, now: await ctx.checkpoint.read(),
        config: ctx.services.config, swept: await ctx.services.offpeak.sweep(), hints: ctx.hints, big: 10n, none: undefined }`
    }, { config: { services: { folder: '/srv' } } })
    const [inline, ...others] = await Promise.all(MODES.map(async mode => {
      const run = await ended(`all.${mode}`, { payload: { n: 1 } })
      const lines = await manager.desk.logs({ id: run.id, after: 0, limit: 20 })
      const { state, attempt, progress, result, attempts } = run
      const logged = lines.map(({ level, text, data, attempt: of }) => ({
        level,
        text,
        of,
        file: (data as { file?: string }).file,
        password: (data as { password?: string }).password,
        type: (data as { err?: { type: string } }).err?.type
      }))
      return {
        state,
        attempt,
        result,
        logged,
        progress: { ...progress, rate: null, eta: null, at: 0 },
        failed: { name: attempts[0]!.error!.name, message: attempts[0]!.error!.message, outcome: attempts[0]!.outcome }
      }
    }))
    t.match(inline, {
      state: 'completed',
      attempt: 2,
      failed: { name: 'RangeError', message: 'not yet', outcome: 'failed' },
      progress: { stage: 'copying', current: 7, total: 10, unit: 'files', message: 'seven', percentage: 70 },
      result: {
        payload: { n: 1 },
        config: { folder: '/srv' },
        before: { attempt1: '1970-01-01T00:00:00.000Z' },
        big: '10',
        swept: 0
      },
      logged: [{ level: 30, text: 'working on it', file: 'a', password: '[redacted]', of: 1 }, {
        level: 50,
        type: 'TypeError'
      }, { of: 2 }, { of: 2 }]
    })
    for (const [index, other] of others.entries()) t.strictSame(other, inline, MODES[index + 1] ?? '')
  })

t.test('skip, retryAfter, fail, warn and enqueue mean the same in all three places', SLOW, async t => {
  const { ended, manager } = await setup(t, {
    skips: 'ctx.skip("nothing new")',
    later: 'if (ctx.attempt === 1) ctx.retryAfter(0.02, "locked"); return ctx.attempt',
    fails: 'ctx.fail("wrong password")',
    warns: 'return ctx.warn("2 unreadable", { files: 9 })',
    adds:
      'return await ctx.enqueue("skips.inline", { payload: { from: ctx.task }, due_at: new Date("2040-01-01T00:00:00Z") })',
    wrong: 'try { await ctx.enqueue("no_such_task") } catch (error) { return [error.code, error.message] }'
  })
  for (const mode of MODES) {
    t.match(await ended(`skips.${mode}`), {
      state: 'skipped',
      reason: { code: 'skipped_by_task', message: 'nothing new' }
    }, mode)
    t.match(await ended(`later.${mode}`), {
      state: 'completed',
      result: 2,
      attempts: [{ error: { message: 'locked', name: 'RetryAfter' } }, {}]
    }, mode)
    t.match(await ended(`fails.${mode}`), {
      state: 'failed',
      attempt: 1,
      error: { message: 'wrong password', name: 'Fatal' }
    }, mode)
    t.match(await ended(`warns.${mode}`), { state: 'completed', warning: '2 unreadable', result: { files: 9 } }, mode)
    const { result } = await ended(`adds.${mode}`)
    t.match(await manager.desk.run(result as string), {
      task: 'skips.inline',
      payload: { from: `adds.${mode}` },
      due_at: Date.parse('2040-01-01T00:00:00Z')
    }, mode)
    t.match((await ended(`wrong.${mode}`)).result, ['OFFPEAK_TASK_NOT_FOUND', /no_such_task/], mode)
  }
})

t.test('a step is done once in the life of a run, and later attempts are given its result', SLOW, async t => {
  const { ended } = await setup(t, {
    steps: `
      await ctx.checkpoint.save('mine')
      const first = await ctx.step('first', () => ({ at: new Date(0), attempt: ctx.attempt }))
      if (ctx.attempt === 1) throw new Error('cut off')
      const second = await ctx.step('second', async () => ctx.attempt)
      const again = await ctx.step('second', () => 0).catch(error => error.code)
      return { first, second, again, mine: await ctx.checkpoint.read() }`,
    large:
      'await ctx.step("small", () => 1); return await ctx.step("large", () => "x".repeat(255_000)).then(() => ctx.step("more", () => "x".repeat(9000))).catch(error => error.code)'
  })
  for (const mode of MODES) {
    t.strictSame((await ended(`steps.${mode}`)).result, {
      first: { at: '1970-01-01T00:00:00.000Z', attempt: 1 },
      second: 2,
      again: 'OFFPEAK_STEP_REPEATED',
      mine: 'mine'
    }, mode)
    t.equal((await ended(`large.${mode}`)).result, 'OFFPEAK_STEPS_TOO_LARGE', mode)
  }
})

t.test('what a run has waited for is given to it wherever it runs: by ref, by id, and by task', SLOW, async t => {
  const fields = `name === 'later' ? { depends_on: [{ task: 'source.inline' }] } : {}`
  const { manager, reach, ended } = await setup(t, {
    source: 'return { rows: [1, { deep: "\\u00e9" }], from: ctx.payload }',
    sum: 'return ctx.results',
    later: 'return ctx.results'
  }, { fields })
  const { desk } = manager
  await ended('source.inline', { payload: 'depended on' })
  const { run: known } = await desk.enqueue('source.process', { payload: 'by id' })
  for (const mode of MODES) {
    const added = await desk.bulk.add([
      { task: 'source.thread', payload: 'by ref', ref: 'first' },
      { task: `sum.${mode}`, ref: 'second', after: ['#first', known.id] },
      { task: `later.${mode}`, after: ['#second'] }
    ])
    const [, second, third] = added.map(({ run: { id } }) => id) as [string, string, string]
    await reach(third, 'completed')
    const sum = {
      first: { rows: [1, { deep: 'é' }], from: 'by ref' },
      [known.id]: { rows: [1, { deep: 'é' }], from: 'by id' }
    }
    t.same((await desk.run(second)).result, sum, mode)
    t.same((await desk.run(third)).result, {
      second: sum,
      'source.inline': { rows: [1, { deep: 'é' }], from: 'depended on' }
    }, mode)
  }
  const { run } = await desk.enqueue('sum.thread')
  await reach(run.id, 'completed')
  t.same((await desk.run(run.id)).result, {}, 'nothing for one that has waited for nothing')
})

t.test('hints that change, and a cancel, reach a function wherever it runs', SLOW, async t => {
  const { manager, see, reach } = await setup(t, {
    listens: `
      const told = Promise.withResolvers()
      ctx.onHints(hints => told.resolve(hints.quality))
      ctx.log.info({ quality: ctx.hints.quality }, 'begun')
      const quality = await told.promise
      ctx.log.info({ quality, live: ctx.hints.quality }, 'told')
      await new Promise((_, no) => ctx.signal.addEventListener('abort', () => no(ctx.signal.reason)))`
  })
  const runs = await Promise.all(MODES.map(async mode => (await manager.desk.enqueue(`listens.${mode}`)).run))
  const lines = async (id: string) => {
    await manager.beat('flush')
    return (await manager.desk.logs({ id, after: 0, limit: 10 })).map(({ data }) => data)
  }
  await manager.look()
  for (const { id } of runs) await until('it has begun', async () => (await lines(id)).length === 1)
  see({ power: 'battery', battery: { present: true, level: 40, charging: false } })
  await manager.look()
  for (const { id, task } of runs) {
    await until('it was told', async () => (await lines(id)).length === 2)
    t.strictSame(await lines(id), [{ quality: 'high' }, { quality: 'low', live: 'low' }], task)
    await manager.desk.cancel(id, { by: 'anna', message: 'enough' })
    await reach(id, 'cancelled')
    t.match(await manager.engine.get(id), { reason: { code: 'cancelled', message: 'enough', by: 'anna' } })
  }
})

t.test('breathe waits away from the manager too, while the gates are closed', SLOW, async t => {
  const { manager, see, said } = await setup(t, {
    rests:
      'let seen = false; ctx.onHints(({ profile }) => { seen ||= profile === "battery_normal" }); ctx.log.info("begun"); while (!seen) await ctx.breathe(); await ctx.breathe(); return ctx.hints.profile'
  }, { fields: '{ constraints: { power: "mains" } }', config: { scheduling: { dwell: 0 } } })
  await manager.look()
  for (const mode of ['thread', 'process']) {
    const { run } = await manager.desk.enqueue(`rests.${mode}`)
    await until('it has begun', async () => {
      await manager.beat('flush')
      return (await manager.desk.logs({ id: run.id, after: 0, limit: 1 })).length === 1
    })
    see({ power: 'battery', battery: { present: true, level: 90, charging: false } })
    await manager.look()
    await until('it rests', () => said('resting').some(notice => notice.kind === 'resting' && notice.id === run.id))
    t.equal((await manager.engine.get(run.id))!.state, 'running', mode)
    see({ power: 'mains', battery: { present: true, level: 90, charging: true } })
    await until('it is completed', async () => {
      await manager.look()
      return (await manager.engine.get(run.id))!.state === 'completed'
    })
    t.equal((await manager.engine.get(run.id))!.result, 'charging', mode)
  }
})

t.test('an error that nobody catches is pinned to its run, and the run goes on [F25]', SLOW, async t => {
  const { ended, said } = await setup(t, {
    late:
      'setTimeout(() => { throw new Error("in a callback") }, 5); void Promise.reject(new Error("unheard")); await new Promise(r => setTimeout(r, 50)); return "done"',
    after: 'setTimeout(() => { throw new Error("too late") }, 20); return "done"',
    forges:
      'for (const message of [{ say: "log" }, { say: "ask", id: 999, what: "nothing", words: [] }, { say: "__proto__" }, null, 7]) process.send?.(message); await ctx.breathe(); return "done"'
  })
  const errorsOf = (id: string) =>
    said('late_error').flatMap(notice => notice.kind === 'late_error' && notice.id === id ? [notice.error.message] : [])
  for (const mode of ['thread', 'process']) {
    const run = await ended(`late.${mode}`)
    t.match(run, { state: 'completed', result: 'done', attempt: 1 }, mode)
    t.strictSame(errorsOf(run.id).toSorted(), ['in a callback', 'unheard'], mode)
  }
  const after = await ended('after.thread')
  await until('it is told', () => errorsOf(after.id).length === 1)
  t.match(await ended('late.thread'), { state: 'completed' }, 'the thread is as good as before')
  t.match(await ended('forges.process'), { state: 'completed', result: 'done' },
    'and what looks like a message of ours harms nobody')
})

t.test('however much a task says, what reaches the manager is bounded, and the last lines are kept [F29]', SLOW,
  async t => {
    const { ended, manager, said } = await setup(t, {
      talks:
        'for (let n = 0; n < 50_000; n++) { ctx.log.info("line " + n); ctx.progress.update(n, "x".repeat(100)) } ctx.log.warn("y".repeat(1e7)); return 1'
    })
    for (const mode of ['thread', 'process']) {
      const { id, progress } = await ended(`talks.${mode}`)
      const lines = await manager.desk.logs({ id, after: 0, limit: 5000 })
      t.equal(lines.length, 2500, mode)
      t.equal(lines[2000]!.text, '[47502 lines left out]', mode)
      t.match(lines.at(-2)!.text, 'line 49999', mode)
      t.match(progress, { current: 49_999 }, mode)
      const settled = () =>
        said('settled').find(notice => notice.kind === 'settled' && notice.run.id === id) as Extract<Notice,
          { kind: 'settled' }>
      await until('it is told', settled)
      t.ok(settled().used!.cpu_seconds > 0.01 && settled().used!.memory_peak_bytes > 1e6, `${mode} tells what it took`)
    }
  })
