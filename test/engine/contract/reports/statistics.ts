import type { Engine } from '../../../../core/engine/engine.ts'
import type { StatsAsk, StatsRow } from '../../../../core/engine/reports.ts'
import { DAY, HOUR, MINUTE, SECOND } from '../../../../core/model/base/duration.ts'
import type { NewRun } from '../../../../core/model/run/run.ts'
import { T0, BOOM, BY_HAND, addOne, ask, claimAll, runIn, settleAs, OUTCOMES, REACHABLE } from '../fixtures.ts'
import { Suite } from '../suite.ts'

const H0 = Math.ceil(T0 / DAY) * DAY

const stats = (engine: Engine, more: Partial<StatsAsk> = {}) =>
  engine.stats({ from: 0, to: H0 + 500 * DAY, by: 'task', every: 'all', ...more })

/** Executes a run that is due at `at`, waits `wait` ms and takes `run` ms. */
async function execute (
  engine: Engine,
  at: number,
  { wait, run, ...more }: Partial<NewRun> & { wait: number, run: number }
) {
  const { id } = await addOne(engine, { due_at: at, ...more }, at)
  const claimed = (await claimAll(engine, { now: at + wait })).find(found => found.id === id)!
  await settleAs(engine, claimed, OUTCOMES.completed!, at + wait + run)
}

const near = (found: number | null, wanted: number) => found !== null && Math.abs(found / wanted - 1) < 0.05

/** Statistics of ended runs by hour and day. */
export const statistics = new Suite()

statistics.test('each end is counted once, and retries are counted separately', async (t, setup) => {
  const engine = await setup(t)
  t.same(await stats(engine), [])
  for (const state of REACHABLE) await runIn(engine, state)
  const { id } = await addOne(engine, { task: 'b' })
  await engine.cancel({ id, reason: BY_HAND, now: T0 })
  await addOne(engine, { task: 'b', skipped: BY_HAND })
  await addOne(engine, { task: 'b' })
  const [run] = await claimAll(engine, { tasks: { b: 9 } })
  await settleAs(engine, run!, { kind: 'failed', error: BOOM, retry_at: T0 })
  const [again] = await claimAll(engine, { tasks: { b: 9 } })
  await settleAs(engine, again!, { kind: 'postponed', reason: BY_HAND, due_at: T0 })
  t.match(await stats(engine), [
    { name: 'a', completed: 1, failed: 1, cancelled: 1, skipped: 1, retries: 0, run: { count: 4 } },
    {
      name: 'b',
      completed: 0,
      failed: 0,
      cancelled: 1,
      skipped: 1,
      retries: 1,
      run: { count: 1 },
      wait: { count: 1 }
    }
  ])
})

statistics.test('waits and durations are returned as percentiles', async (t, setup) => {
  const engine = await setup(t)
  for (let index = 1; index <= 100; index++) {
    await execute(engine, H0 + index * SECOND, { wait: index * 10, run: index * 1000 })
  }
  const { wait, run } = (await stats(engine))[0]!
  t.ok(near(run.p50, 50_000) && near(run.p95, 95_000) && near(run.p99, 99_000) && near(wait.p99, 990),
    JSON.stringify({ wait, run }))
  t.match(run, { count: 100, mean: 50_500, max: 100_000 })
  t.match(await stats(engine), [{ held: { count: 0, p50: null, mean: null, max: null } }])
})

statistics.test('the longest duration comes with the id of its run, also across summed hours', async (t, setup) => {
  const engine = await setup(t)
  await execute(engine, H0, { wait: 5, run: SECOND })
  await execute(engine, H0 + HOUR, { wait: 1, run: MINUTE })
  await execute(engine, H0 + 2 * HOUR, { wait: 2, run: 2 * SECOND })
  const [first, second] = (await engine.list({ limit: 9 })).items.toReversed().map(({ id }) => id)
  const longest = async () => {
    const [{ run, wait, held }] = await stats(engine, { from: H0, to: H0 + 3 * HOUR, every: 'all' }) as [StatsRow]
    return [run.max, run.max_run, wait.max_run, held.max_run]
  }
  t.same(await longest(), [MINUTE, second, first, null])
  await engine.sweep({ now: H0 + 60 * DAY, before: 0, keep: 9, limit: 9 })
  t.same(await longest(), [MINUTE, second, first, null])
})

statistics.test('`dead` counts runs that failed with no attempts or no time left, by task and by queue',
  async (t, setup) => {
    const engine = await setup(t)
    const fail = async (more: object, outcome: object) => {
      await addOne(engine, more)
      for (const run of await claimAll(engine)) {
        await settleAs(engine, run, { kind: 'failed', error: BOOM, retry_at: null, ...outcome })
      }
    }
    await fail({ max_retries: 0 }, { retry_at: T0 })
    await fail({ queue: 'q' }, { reason: { code: 'retry_for', message: 'too long' } })
    await fail({}, {})
    t.match((await engine.list({ limit: 9 })).items.map(({ reason }) => reason?.code ?? null), [null, 'retry_for',
      null])
    t.match(await stats(engine), [{ name: 'a', failed: 3, dead: 2 }])
    t.match(await stats(engine, { by: 'queue', every: 'hour' }), [{ name: 'default', failed: 2, dead: 1 }, {
      name: 'q',
      failed: 1,
      dead: 1
    }])
  })

statistics.test('the median of three values is the middle one', async (t, setup) => {
  const engine = await setup(t)
  for (const run of [1, 100, 10]) await execute(engine, H0, { wait: 0, run: run * SECOND })
  t.ok(near((await stats(engine))[0]!.run.p50, 10 * SECOND))
})

statistics.test('the held time of an attempt does not include that of the attempt before', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await engine.hold([{ owner: 'me', id, at: T0, code: 'battery', message: '' }])
  const [first] = await claimAll(engine, { now: T0 + 9 })
  await settleAs(engine, first!, { kind: 'failed', error: BOOM, retry_at: T0 + 9 }, T0 + 9)
  const [second] = await claimAll(engine, { now: T0 + 9 })
  await settleAs(engine, second!, OUTCOMES.completed!, T0 + 9)
  t.match(await stats(engine), [{ completed: 1, retries: 1, held: { count: 1, max: 9 }, run: { count: 2 } }])
})

statistics.test('held time is counted for held runs alone', async (t, setup) => {
  const engine = await setup(t)
  const [first, second] = (await engine.add([ask(), ask(), ask()], T0)).map(({ run }) => run.id) as [string, string]
  const hold = (id: string, at: number, code: string | null) =>
    engine.hold([{ owner: 'me', id, at, code, message: '' }])
  await hold(first, T0, 'battery')
  await hold(first, T0 + MINUTE, null)
  await hold(first, T0 + 2 * MINUTE, 'window')
  await hold(second, T0, 'battery')
  await engine.cancel({ id: second, reason: BY_HAND, now: T0 + 8 * MINUTE })
  for (const run of await claimAll(engine, { now: T0 + 5 * MINUTE })) {
    await settleAs(engine, run, OUTCOMES.completed!, T0 + 6 * MINUTE)
  }
  t.match(await stats(engine), [{
    completed: 2,
    cancelled: 1,
    held: { count: 2, mean: 6 * MINUTE, max: 8 * MINUTE },
    wait: { count: 2, max: 5 * MINUTE }
  }])
})

statistics.test('statistics are grouped by task or queue and by hour or day within the given range',
  async (t, setup) => {
    const engine = await setup(t)
    const one = { wait: 0, run: MINUTE }
    await execute(engine, H0, one)
    await execute(engine, H0 + 5 * MINUTE, { ...one, task: 'b' })
    await execute(engine, H0 + 3 * HOUR, { ...one, queue: 'q' })
    await execute(engine, H0 + DAY, one)
    const rows = async (more: Partial<StatsAsk>) =>
      (await stats(engine, more)).map(({ at, name, completed }) => [(at - H0) / HOUR, name, completed])
    t.same(await rows({ every: 'hour' }), [[0, 'a', 1], [0, 'b', 1], [3, 'a', 1], [24, 'a', 1]])
    t.same(await rows({ every: 'day' }), [[0, 'a', 2], [0, 'b', 1], [24, 'a', 1]])
    t.same(await rows({ every: 'day', by: 'queue' }), [[0, 'default', 2], [0, 'q', 1], [24, 'default', 1]])
    t.same(await rows({ every: 'all', from: H0 + HOUR, to: H0 + DAY + HOUR }), [[1, 'a', 2]])
  })

statistics.test('statistics outlive their runs, with less detail when they are old', async (t, setup) => {
  const engine = await setup(t)
  for (let hour = 0; hour < 48; hour++) await execute(engine, H0 + hour * HOUR, { wait: 0, run: hour * SECOND })
  const [before] = await stats(engine)
  t.match(before, { completed: 48, run: { count: 48, mean: 23_500, max: 47_000 } })
  const sweep = (now: number) => engine.sweep({ now, before: now, keep: 0, limit: 99 })
  t.equal(await sweep(H0 + 3 * DAY), 48)
  t.same(await stats(engine), [before])
  t.equal((await stats(engine, { every: 'hour' })).length, 48)
  for (let times = 0; times < 4; times++) await sweep(H0 + 46 * DAY)
  t.same(await stats(engine), [before])
  t.equal((await stats(engine, { every: 'hour' })).length, 25, 'the first day is one row')
  const late = await addOne(engine)
  const [run] = await claimAll(engine, { now: H0 + 46 * DAY })
  await Promise.all([settleAs(engine, run!, OUTCOMES.completed!, H0 + 47 * DAY), sweep(H0 + 60 * DAY)])
  for (let times = 0; times < 4; times++) await sweep(H0 + 60 * DAY)
  t.match(await stats(engine, { every: 'hour' }), [{ completed: 24 }, { completed: 24 }, { completed: 1 }],
    'an end at the same time is not lost')
  t.equal(await engine.get(late.id), null)
  await sweep(H0 + 450 * DAY)
  t.same(await stats(engine), [])
})

statistics.test('a failed call of the same batch does not count an end twice, and counts survive a restart',
  async (t, setup) => {
    const engine = await setup(t)
    await engine.add([ask(), ask(), ask()], T0)
    const runs = await claimAll(engine)
    await settleAs(engine, runs[0]!, OUTCOMES.completed!)
    const wrong = () => engine.keep({ name: 'x', value: 1n as unknown as number, now: T0 })
    await Promise.allSettled([settleAs(engine, runs[1]!, OUTCOMES.completed!), wrong()])
    await engine.stop()
    await engine.start()
    await settleAs(engine, runs[2]!, OUTCOMES.completed!)
    t.match(await stats(engine), [{ completed: 3, run: { count: 3 } }])
  })
