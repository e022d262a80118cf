import t from 'tap'
import type { Test } from 'tap'
import type { Commit, EngineEvent } from '../../core/engine/in-process.ts'
import { createSqliteEngine } from '../../core/engine/sqlite/keeper.ts'
import { BY_HAND, OUTCOMES, T0, ask, claimAll, crash, fire, planAsk, settleAs } from './contract/fixtures.ts'
import { folderOf } from './process.ts'

async function open (t: Test) {
  const troubles: unknown[] = []
  const engine = createSqliteEngine({
    folder: folderOf(t),
    ballastBytes: 4096,
    onError: (_, error) => void troubles.push(error)
  })
  t.teardown(() => engine.stop())
  await engine.start()
  const changes: Commit[] = []
  const end = engine.onCommit(change => void changes.push(change))
  const words = (one: EngineEvent) => {
    const owner = 'owner' in one && one.owner !== null ? ` ${one.owner}` : ''
    return `${one.call} ${one.kind}${'run' in one ? ` ${one.run.task} ${one.run.state}` : ''}${owner}`
  }
  /** The events since the last call, as text. */
  const events = () => changes.splice(0).flatMap(change => change.events.map(words))
  const kinds = () => changes.splice(0).flatMap(change => [...change.kinds].toSorted())
  return { engine, events, kinds, end, troubles, changes }
}

t.test('each change of a run is an event with its call and its owner', async t => {
  const { engine, events } = await open(t)
  const [first] = await engine.add([ask({ ref: 'a' }),
    ask({ task: 'b', after: [{ run: '#a', condition: 'completed' }] }),
    ask({ task: 'c', after: [{ run: '#a', condition: 'done' }] })], T0)
  t.same(events(), ['add added a queued', 'add added b blocked', 'add added c blocked'])
  const [run] = await claimAll(engine)
  t.same(events(), ['claim claimed a running'])
  await settleAs(engine, run!, { kind: 'postponed', reason: BY_HAND, due_at: T0 })
  t.same(events(), ['settle settled a queued me'])
  await engine.cancel({
    id: first!.run.id,
    reason: BY_HAND,
    now: T0,
    record: { by: 'ann', action: 'cancel', detail: null }
  })
  t.same(events(), ['cancel cancelled a cancelled', 'cancel recorded', 'cancel settled b skipped',
    'cancel added c queued'])
  await engine.retry({ id: first!.run.id, now: T0, due_at: T0 })
  await engine.end({ id: first!.run.id, now: T0, as: 'failed', reason: BY_HAND })
  t.same(events(), ['retry added a queued', 'end settled a failed', 'end added c queued'],
    'a run that has not begun waits for it again')
  await engine.plan([planAsk({ fires: [fire(T0)] })])
  t.same(events(), ['plan added a queued'])
  await engine.change({ filter: { task: 'a', state: ['queued'] }, act: 'cancel', now: T0, limit: 9, dry_run: false })
  t.same(events(), ['change cancelled a cancelled'])
  await engine.add([ask({ queue: 'q' })], T0)
  await engine.add([ask({ queue: 'q' })], T0, { bounds: { q: { max: 1, on_full: 'drop_oldest' } } })
  t.same(events(), ['add added a queued', 'add settled a skipped', 'add added a queued'])
  const [last] = await engine.add([ask({ task: 'b', queue: 'q', due_at: T0 - 1 })], T0)
  const bounds = { q: { max: 1, on_full: 'drop_oldest' as const } }
  await engine.add([ask({ task: 'c', queue: 'q', after: [{ run: last!.run.id, condition: 'completed' }] })], T0, {
    bounds
  })
  t.same(events(), ['add added b queued', 'add settled a skipped', 'add settled b skipped', 'add settled c skipped'])
})

t.test('each commit has its kinds, and a call without changes has no commit', async t => {
  const { engine, kinds } = await open(t)
  const [added] = await engine.add([ask()], T0)
  t.same(kinds(), ['events', 'work'])
  const [run] = await claimAll(engine)
  t.same(kinds(), ['events'])
  await engine.cancel({ id: added!.run.id, reason: BY_HAND, now: T0 })
  t.same(kinds(), ['cancel', 'events'])
  await engine.cancel({ id: added!.run.id, reason: BY_HAND, now: T0 })
  await engine.list({ limit: 9 })
  await engine.beat({ owner: 'me', now: T0, until: T0 + 99_000 })
  t.same(kinds(), [])
  await settleAs(engine, run!, OUTCOMES.completed!)
  t.same(kinds(), ['events', 'work'], 'another run may start now')
  await engine.keep({ name: 'x', value: 1, now: T0 })
  await engine.keep({ name: 'x', value: 1, now: T0, was: 99 })
  await engine.plan([planAsk()])
  t.same(kinds(), ['facts', 'schedules'])
  await engine.add([ask()], T0)
  await claimAll(engine)
  kinds()
  await crash(engine)
  t.same(kinds(), ['work'])
})

t.test('a run behind a due run that was not claimed is not work unless it could start first', async t => {
  const { engine, kinds } = await open(t)
  const added = async (more: Parameters<typeof ask>[0] = {}, now = T0) => {
    await engine.add([ask({ due_at: now, ...more })], now)
    return kinds().includes('work')
  }
  t.equal(await added(), true, 'the first')
  t.equal(await added({}, T0 + 1), true, 'due was not called yet')
  await engine.due({ now: T0 + 5, owner: 'me' })
  t.equal(await added({}, T0 + 5), false)
  t.equal(await added({}, T0 - 5), true, 'it is first in order')
  await engine.due({ now: T0 + 5, owner: 'me' })
  t.equal(await added({ due_at: T0 + 60_000 }, T0 + 5), false, 'a run that is due later is not work')
  for (const more of [{ priority: 'high' }, { queue: 'other' }, { task: 'b' }, { now: true }, {
    source: 'schedule'
  }] as const) {
    t.equal(await added(more, T0 + 5), true, JSON.stringify(more))
  }
  t.equal(await added({ deadline_at: T0 + 99, expires: true }, T0 + 5), true, 'it has a deadline')
  await engine.due({ now: T0 + 6, owner: 'me' })
  t.equal(await added({ source: 'schedule' }, T0 + 6), true, 'the pace may hold the older of two fires alone')
  await claimAll(engine, { now: T0 + 6, limit: 1 })
  kinds()
  await engine.due({ now: T0 + 6, owner: 'me' })
  t.equal(await added({}, T0 + 7), false, 'the next of them was not claimed')
  await engine.due({ now: T0 - 60_000, owner: 'me' })
  t.equal(await added({}, T0 + 7), true, 'after the clock was set back no run was due')
})

t.test('a refused call has no commit, and a listener that throws does not affect the others', async t => {
  const { engine, events, troubles, end } = await open(t)
  const other: number[] = []
  engine.onCommit(() => {
    throw new Error('mine')
  })
  engine.onCommit(change => void other.push(change.events.length))
  await Promise.allSettled([engine.add([ask()], T0),
    engine.plan([planAsk({ fires: [fire(T0, { after: [{ run: '00000000000', condition: 'done' }] })] })])])
  t.same([events(), other], [['add added a queued'], [1]])
  t.match(troubles, [{ message: 'mine' }])
  end()
  await engine.add([ask()], T0)
  t.same([events(), other], [[], [1, 1]])
})

t.test('listeners receive a commit before it is durable, and durable() waits for the disk', async t => {
  const { engine, changes } = await open(t)
  const order: string[] = []
  engine.onCommit(() => {
    order.push('known')
    void engine.durable().then(() => order.push('durable'))
  })
  await engine.add([ask()], T0)
  order.push('answered')
  await engine.durable()
  t.equal(order[0], 'known')
  t.same(order.toSorted(), ['answered', 'durable', 'known'])
  t.equal(changes.length, 1)
  await engine.stop()
  await t.rejects(engine.durable(), { code: 'OFFPEAK_ENGINE_STOPPED' })
})
