import t from 'tap'
import { commitNotices } from '../../core/work/upkeep/commit-notices.ts'
import type { EngineEvent } from '../../core/engine/in-process.ts'
import type { Run } from '../../core/model/run/run.ts'

const run = (id: string, more: Partial<Run> = {}) => ({ id, task: 'copy', owner: null, ...more }) as Run
const reason = { code: 'cancelled', message: 'enough', by: 'ann' }
const cancels = (count: number, call = 'change'): EngineEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    call,
    kind: 'cancelled',
    run: run(`r${index}`, { task: index % 3 === 0 ? 'wash' : 'copy' }),
    reason
  }))
const kinds = (events: EngineEvent[]) => commitNotices(events, 'me').map(({ kind }) => kind)

t.test('the notices of a commit keep its order and leave out the call and those of its own runner', async t => {
  const events: EngineEvent[] = [
    { call: 'add', kind: 'added', run: run('a') },
    { call: 'claim', kind: 'claimed', run: run('b', { owner: 'me' }) },
    { call: 'claim', kind: 'claimed', run: run('c', { owner: 'other' }) },
    { call: 'settle', kind: 'settled', run: run('d'), outcome: 'completed', ms: 5, owner: 'me' },
    { call: 'settle', kind: 'settled', run: run('e'), outcome: 'completed', ms: 5, owner: 'other' },
    { call: 'settle', kind: 'settled', run: run('f'), outcome: 'skipped', ms: 0, owner: null }
  ]
  const notices = commitNotices(events, 'me')
  t.same(notices.map(notice => 'run' in notice && notice.run.id), ['a', 'c', 'e', 'f'])
  t.ok(notices.every(notice => !('call' in notice) && !('owner' in notice)))
})

t.test('a change of up to a hundred runs gives a notice for each run', async t => {
  t.same(kinds(cancels(100)), Array.from({ length: 100 }, () => 'cancelled'))
})

t.test('a change of more runs gives one notice with counts, in the place of the first', async t => {
  const record: EngineEvent = { call: 'change', kind: 'recorded', by: 'ann', action: 'cancel', subject: '*' }
  const events: EngineEvent[] = [{ call: 'add', kind: 'added', run: run('x') }, ...cancels(300), record, {
    call: 'cancel',
    kind: 'cancelled',
    run: run('y'),
    reason
  }]
  const notices = commitNotices(events, 'me')
  t.same(notices.map(({ kind }) => kind), ['added', 'changed', 'recorded', 'cancelled'])
  t.same(notices[1], { kind: 'changed', act: 'cancel', count: 300, tasks: { wash: 100, copy: 200 }, by: 'ann' })
})

t.test('runs that are cancelled one by one give a notice each, however many they are', async t => {
  t.equal(kinds(cancels(300, 'cancel')).length, 300)
})

t.test('a bulk retry, removal or promotion names its act', async t => {
  const many = (make: (id: string) => EngineEvent) =>
    commitNotices(Array.from({ length: 101 }, (_, index) => make(`r${index}`)), 'me')
  t.match(many(id => ({ call: 'change', kind: 'added', run: run(id) })), [{
    kind: 'changed',
    act: 'retry',
    count: 101
  }])
  t.match(many(id => ({ call: 'change', kind: 'removed', run: run(id), reason })), [{
    kind: 'changed',
    act: 'remove',
    count: 101
  }])
  t.match(many(id => ({ call: 'change', kind: 'edited', run: run(id), by: 'ann' })), [{
    kind: 'changed',
    act: 'promote',
    count: 101
  }])
})
