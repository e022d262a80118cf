import type { Test } from 'tap'
import { SECOND } from '../../../../core/model/base/duration.ts'
import type { Usage } from '../../../../core/model/run/usage.ts'
import { T0, BY_HAND, BOOM, addOne, claimAll, OUTCOMES } from '../fixtures.ts'
import type { Setup } from '../fixtures.ts'
import { Suite } from '../suite.ts'
import type { Outcome } from '../../../../core/model/run/outcome.ts'

const used = (cpu: number, memory: number, read: number | null = null, written: number | null = null): Usage => ({
  cpu_seconds: cpu,
  memory_peak_bytes: memory,
  read_bytes: read,
  written_bytes: written
})

/** Usage of the machine by runs. */
export const usage = new Suite()

const started = async (t: Test, setup: Setup) => {
  const engine = await setup(t)
  const run = await addOne(engine)
  const next = async (outcome: Outcome, taken?: Usage) => {
    const turn = (await claimAll(engine, { now: T0 + 9 }))[0]!.turn
    return engine.settle({ lease: { id: run.id, turn }, outcome, now: T0 + 9, ...taken && { used: taken } })
  }
  return { engine, run, next, usedNow: async () => (await engine.get(run.id))!.used }
}

usage.test('times and bytes of attempts are added up, and memory is the highest value', async (t, setup) => {
  const { engine, run, next, usedNow } = await started(t, setup)
  t.equal(await usedNow(), null)
  await next({ kind: 'failed', error: BOOM, retry_at: T0 }, used(0.1, 500, 10))
  t.strictSame(await usedNow(), used(0.1, 500, 10))
  await next({ kind: 'postponed', reason: BY_HAND, due_at: T0 }, used(0.2, 900, null, 7))
  await next(OUTCOMES.completed!, used(1.05, 300, 5, 1))
  t.strictSame(await usedNow(), used(1.35, 900, 15, 8))
  t.match(await engine.stats({ from: T0, to: T0 + SECOND, by: 'task', every: 'all' }), [{ name: 'a', cpu_ms: 1350 }])
  await engine.stop()
  await engine.start()
  t.strictSame(await usedNow(), used(1.35, 900, 15, 8))
  await engine.retry({ id: run.id, now: T0, due_at: T0 })
  await next(OUTCOMES.completed!)
  t.strictSame(await usedNow(), used(1.35, 900, 15, 8), 'an attempt without usage adds nothing')
})

usage.test('a stale lease adds nothing', async (t, setup) => {
  const { engine, run, next, usedNow } = await started(t, setup)
  await next({ kind: 'postponed', reason: BY_HAND, due_at: T0 })
  t.equal(
    await engine.settle({ lease: { id: run.id, turn: 1 }, outcome: OUTCOMES.completed!, now: T0, used: used(1, 1) }),
    null
  )
  t.equal(await usedNow(), null)
  t.match(await engine.stats({ from: T0, to: T0 + SECOND, by: 'task', every: 'all' }), [])
})

usage.test('usage is returned for many runs at once, and is removed with its run', async (t, setup) => {
  const { engine, run, next } = await started(t, setup)
  await next(OUTCOMES.completed!, used(1, 2, 3, 4))
  const other = await addOne(engine)
  t.strictSame(await engine.used([other.id, run.id, 'no such id']), { [run.id]: used(1, 2, 3, 4) })
  await engine.sweep({ now: T0, before: T0 + SECOND, keep: 0, limit: 9 })
  t.strictSame(await engine.used([run.id]), {})
  t.match(await engine.stats({ from: T0, to: T0 + SECOND, by: 'task', every: 'all' }), [{ cpu_ms: 1000 }],
    'the sum is kept')
})
