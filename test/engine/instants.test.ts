import t from 'tap'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { decodeId, encodeId, nextNumber } from '../../core/model/run/id.ts'
import type { NewRun } from '../../core/model/run/run.ts'
import type { Test } from 'tap'

const T0 = Date.UTC(2026, 0)
const LAST = 8.64e15

const asked = (over: Partial<NewRun> = {}): NewRun => ({
  task: 'a',
  queue: 'default',
  priority: 'normal',
  source: 'manual',
  due_at: T0,
  max_retries: 2,
  ...over
})

async function engineOf (t: Test) {
  const engine = createSqliteEngine({ folder: ':memory:', ballastBytes: 0 })
  await engine.start()
  t.teardown(() => engine.stop())
  return engine
}

t.test('an instant beyond the calendar is refused, and a derived one is clamped to the calendar', async t => {
  const engine = await engineOf(t)
  for (const over of [{ due_at: 1e16 }, { deadline_at: Number.MAX_SAFE_INTEGER }, { nominal_at: -1e16 }, {
    due_at: NaN
  }]) {
    await t.rejects(engine.add([asked(over)], T0), { code: 'OFFPEAK_INPUT_INVALID' })
  }
  const [far] = await engine.add([
    asked({ deadline_at: LAST, key: 'k', unique: { until: Number.MAX_SAFE_INTEGER, conflict: 'return' } })
  ], T0)
  const { id } = far!.run
  t.equal(far!.run.key_until, LAST)
  for (const due_at of [T0, 1e18, T0]) {
    await engine.cancel({ id, reason: { code: 'x', message: 'x' }, now: T0 })
    await engine.retry({ id, now: T0, due_at })
    const run = (await engine.get(id))!
    t.ok(run.due_at <= LAST && run.deadline_at! <= LAST, 'a written run can be read')
  }
  t.equal((await engine.list({ limit: 9 })).items.length, 1)
  await t.rejects(engine.add([asked({ key: 'a\ud800' })], T0), { code: 'OFFPEAK_INPUT_INVALID' })
})

t.test('a run that is retried by hand repeatedly has the same time to its deadline each time', async t => {
  const engine = await engineOf(t)
  const [added] = await engine.add([asked({ deadline_at: T0 + 3_600_000 })], T0)
  const { id } = added!.run
  for (let day = 1; day < 5; day++) {
    await engine.cancel({ id, reason: { code: 'x', message: 'x' }, now: T0 })
    const now = T0 + day * 86_400_000
    t.equal((await engine.retry({ id, now, due_at: now }))!.deadline_at, now + 3_600_000)
  }
})

t.test('ids rise by one once the clock is beyond their range', t => {
  const numbers = [Date.UTC(2045, 0), Date.UTC(2100, 0), Date.UTC(2026, 0)].reduce<number[]>(
    (all, now) => [...all, nextNumber(all.at(-1) ?? 0, now)],
    []
  )
  t.ok(numbers.every(Number.isSafeInteger))
  t.strictSame(numbers, numbers.toSorted((a, b) => a - b))
  t.strictSame(numbers.map(number => decodeId(encodeId(number))), numbers)
  t.end()
})
