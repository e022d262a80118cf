import t from 'tap'
import { EngineCalls } from '../../core/work/upkeep/engine-calls.ts'
import { MINUTE } from '../../core/model/base/duration.ts'
import { fakeClock } from '../clock.ts'
import { runNotFound } from '../../core/model/errors/run-errors.ts'
import type { Engine } from '../../core/engine/engine.ts'

function setup () {
  const clock = fakeClock()
  let thrown: unknown = null
  const answer = async (value: unknown) => {
    if (thrown !== null) throw thrown
    return value
  }
  const raw = { count: () => answer('counted'), get: () => answer('got'), listen: () => 'at once', kind: 'own' }
  const calls = new EngineCalls({ engine: raw as unknown as Engine, now: clock.now })
  return {
    clock,
    calls,
    raw,
    engine: calls.engine as unknown as typeof raw,
    fail: (error: unknown) => {
      thrown = error
    }
  }
}

t.test('a watched engine behaves like the engine', async t => {
  const { engine, raw, calls } = setup()
  t.strictSame([await engine.count(), engine.listen(), engine.kind], ['counted', 'at once', 'own'])
  t.equal(engine.count, engine.count)
  raw.count = async () => 'another'
  t.equal(await engine.count(), 'another', 'a replaced method is called')
  t.strictSame(calls.faults, [])
})

t.test('a failing call is listed with count and times until it succeeds', async t => {
  const { clock, engine, calls, fail } = setup()
  fail(new Error('disk full'))
  const since = clock.now()
  await t.rejects(engine.count())
  clock.advance(1000)
  await t.rejects(engine.count())
  await t.rejects(engine.get())
  t.strictSame(calls.faults, [
    { call: 'count', message: 'disk full', failures: 2, since, at: since + 1000 },
    { call: 'get', message: 'disk full', failures: 1, since: since + 1000, at: since + 1000 }
  ])
  fail(null)
  await engine.count()
  t.match(calls.faults, [{ call: 'get' }])
  clock.advance(10 * MINUTE)
  t.strictSame(calls.faults, [], 'a fault expires')
})

t.test('an error of the caller is not a fault of the engine', async t => {
  const { engine, calls, fail } = setup()
  fail(runNotFound('x'))
  await t.rejects(engine.get(), { code: 'OFFPEAK_RUN_NOT_FOUND' })
  t.strictSame(calls.faults, [])
})
