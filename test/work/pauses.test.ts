import t from 'tap'
import { Pauses } from '../../core/work/conditions/pauses.ts'
import { harness } from './harness.ts'
import type { Owner } from './harness.ts'
import type { PauseAsk } from '../../core/work/conditions/pauses.ts'

const HOUR = 3_600_000

async function setup (t: Owner) {
  const { engine, clock, conditions } = await harness(t)
  return { clock, engine, pauses: new Pauses({ engine, clock, conditions }) }
}

t.test('a pause lasts until an instant, for a duration, or until it is removed', async t => {
  const { pauses, clock } = await setup(t)
  const now = clock.now()
  t.match(await pauses.add({ scope: 'task', name: 'a', for: '1h', by: 'ann' }), { until: now + HOUR })
  t.match(await pauses.add({ scope: 'task', name: 'b', for: 60, until: null, by: 'ann' }), { until: now + 60_000 })
  t.match(await pauses.add({ scope: 'task', name: 'c', until: now + 5, by: 'ann' }), { until: now + 5 })
  t.match(await pauses.add({ scope: 'all', name: null, by: 'ann', reason: null }), { until: null })
  clock.advance(HOUR)
  t.match(pauses.list(), [{ scope: 'all' }])
})

t.test('an invalid pause is refused with its key named, and nothing is paused', async t => {
  const { pauses, clock } = await setup(t)
  const wrong: [object, string, RegExp][] = [
    [{ untl: 5 }, '/untl', /unknown key 'untl': did you mean 'until'\?/],
    [{ for: '1h', until: clock.now() + HOUR }, '/for', /cannot be combined/],
    [{ for: 'soon' }, '/for', /found 'soon', expected seconds as a number/],
    [{ until: '2026-12-01T00:00:00Z' }, '/until', /found '2026-12-01T00:00:00Z', expected a number/],
    [{ until: Number.NaN }, '/until', /found NaN/],
    [{ scope: 'taks' }, '/scope', /found 'taks', expected one of 'all'/],
    [{ name: undefined }, '/name', /is missing: expected the name of a task/]
  ]
  for (const [more, pointer, detail] of wrong) {
    const ask = { scope: 'task', name: 'a', by: 'ann', ...more } as PauseAsk
    await t.rejects(pauses.add(ask), { code: 'OFFPEAK_INPUT_INVALID', errors: [{ pointer, detail }] },
      JSON.stringify(more))
  }
  t.same(pauses.list(), [])
})

t.test('ended pauses are removed from storage, and a name that is paused again stays paused', async t => {
  const { pauses, clock, engine } = await setup(t)
  const now = clock.now()
  await pauses.add({ scope: 'task', name: 'again', for: '1h', by: 'ann' })
  for (let n = 0; n < 20; n++) await pauses.add({ scope: 'task', name: `gone-${n}`, for: '1h', by: 'ann' })
  await pauses.add({ scope: 'queue', name: 'stays', by: 'ann' })
  const kept = async () => (await engine.kept({ prefix: 'pause/' })).length
  clock.advance(2 * HOUR)
  await pauses.forget(now)
  t.equal(await kept(), 22, 'the clock may be wrong')
  await Promise.all([pauses.add({ scope: 'task', name: 'again', for: '1h', by: 'ann' }), pauses.forget(clock.now())])
  t.equal(await kept(), 2)
  await pauses.load()
  t.same(pauses.list().map(({ name }) => name).toSorted(), ['again', 'stays'])
})

t.test('a pause made before the clock was first set keeps its length [F17]', async t => {
  const { pauses, clock } = await setup(t)
  const now = clock.now()
  clock.set(90_000)
  await pauses.add({ scope: 'task', name: 'a', for: '1h', by: 'ann' })
  clock.set(now)
  t.match(pauses.list(), [{ name: 'a', at: now, until: now + HOUR }])
  clock.advance(HOUR)
  t.same(pauses.list(), [])
})
