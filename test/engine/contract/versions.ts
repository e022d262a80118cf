import { DAY } from '../../../core/model/base/duration.ts'
import type { Engine } from '../../../core/engine/engine.ts'
import { T0, fire, planAsk, schedule } from './fixtures.ts'
import { Suite } from './suite.ts'

const keep = (engine: Engine, value: number | null, was?: number | null, name = 'x') =>
  engine.keep({ name, value, now: T0, ...was !== undefined && { was } })

const versionOf = async (engine: Engine, name = 'x') => (await engine.kept({ prefix: name }))[0]?.version ?? null

/** Conditional changes of facts and schedules by several owners. */
export const versions = new Suite()

versions.test('a fact is changed only when its version is the one that was read', async (t, setup) => {
  const engine = await setup(t)
  t.same([await keep(engine, 1, 5), await keep(engine, 1, null), await keep(engine, 2, null)], [false, true, false])
  const first = await versionOf(engine)
  const both = await Promise.all([keep(engine, 3, first), keep(engine, 4, first)])
  t.same(both, [true, false], 'the second of two changes to one version is refused')
  t.match(await engine.kept({ prefix: 'x' }), [{ value: 3 }])
  t.equal(await keep(engine, null, await versionOf(engine)), true)
  t.same([await versionOf(engine), await keep(engine, 5, null)], [null, true], 'a removed fact has no version')
})

versions.test('kept with `since` returns the facts that have changed or were removed', async (t, setup) => {
  const engine = await setup(t)
  for (const name of ['p/a', 'p/b', 'q/a']) await keep(engine, 1, null, name)
  const [, { version: seen }] = await engine.kept({ prefix: 'p/' }) as [unknown, { version: number }]
  await keep(engine, 2, undefined, 'p/a')
  await keep(engine, null, undefined, 'p/b')
  const found = async (prefix: string, since: number) =>
    (await engine.kept({ prefix, since })).map(({ name, value }) => [name, value])
  t.same(await found('p/', seen), [['p/a', 2], ['p/b', null]])
  t.same(await found('', seen), [['p/a', 2], ['p/b', null], ['q/a', 1]])
  t.same((await engine.kept({ prefix: 'p/' })).map(({ name }) => name), ['p/a'])
  await engine.stop()
  await engine.start()
  await keep(engine, 3, undefined, 'p/c')
  const versions = (await engine.kept({ prefix: '', since: 0 })).map(({ version }) => version)
  t.equal(Math.max(...versions), (await engine.kept({ prefix: 'p/c' }))[0]!.version,
    'versions continue to rise after a restart')
  await engine.sweep({ now: T0 + 30 * DAY, before: 0, keep: 99, limit: 9 })
  t.same(await found('p/b', 0), [], 'removed facts are forgotten after a while')
})

versions.test('a schedule is planned only from the version that was read, otherwise the stored one is returned',
  async (t, setup) => {
    const engine = await setup(t)
    const [first, second] = await Promise.all(
      ['me', 'you'].map(by => engine.plan([planAsk({ from: null, was: null, schedule: schedule({ created_by: by }) })]))
    )
    t.match([first![0], second![0]], [{ applied: true, stored: { created_by: 'me' } }, {
      applied: false,
      stored: { created_by: 'me' }
    }])
    const { version } = first![0]!.stored!
    const ask = planAsk({ from: T0, was: version, schedule: schedule({ cursor: T0 + 9 }), fires: [fire(T0 + 9)] })
    t.match(await engine.plan([ask, ask]), [{ applied: true, stored: { cursor: T0 + 9 } }, {
      applied: false,
      stored: { cursor: T0 + 9 },
      added: { length: 0 }
    }])
    t.equal((await engine.list({ limit: 9 })).items.length, 1)
    const rested = { ...schedule({ cursor: T0 + 9, next_at: null, nominal_at: null }) }
    t.match(await engine.plan([planAsk({ from: T0 + 9, was: version, schedule: rested })]), [{ applied: false }],
      'an equal cursor does not make an equal version')
  })

versions.test('schedules with `since` returns those that have changed or were removed', async (t, setup) => {
  const engine = await setup(t)
  await engine.plan(['a', 'b', 'c'].map(id => planAsk({ schedule: schedule({ id }) })))
  const seen = Math.max(...(await engine.schedules()).map(({ version }) => version))
  t.same(await engine.schedules({ since: seen }), [])
  const stored = (await engine.plan([planAsk({ from: T0, schedule: schedule({ id: 'b', cursor: T0 + 1 }) })]))[0]!
    .stored!
  await engine.unplan({ id: 'c', now: T0 })
  t.match(await engine.schedules({ since: seen }), [{ id: 'b', cursor: T0 + 1, version: stored.version }, {
    id: 'c',
    removed: true
  }])
  t.same((await engine.schedules()).map(({ id }) => id), ['a', 'b'])
  const [again] = await engine.plan([
    planAsk({ from: null, was: null, schedule: { ...(await engine.schedules())[0]!, id: 'c' } })
  ])
  t.match(again, { applied: true, stored: { id: 'c' } })
  t.notOk('removed' in again!.stored!, 'a removed schedule can be created again')
})
