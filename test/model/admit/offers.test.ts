import t from 'tap'
import { MINUTE } from '../../../core/model/base/duration.ts'
import { NOON, config, desktop, laptop, later } from '../gates/machine.ts'
import { PRIORITIES } from '../../../core/model/run/run.ts'
import { PREFETCH_RANK } from '../../../core/model/conditions/urgency.ts'
import { prefetchLimit, nextRunPace } from '../../../core/model/admit/prefetch-limit.ts'
import { agedPriorities, deadlineOf, relaxation } from '../../../core/model/conditions/relaxation.ts'
import { offersFor } from '../../../core/model/admit/offers.ts'
import { runOf, store } from './store.ts'
import type { RunPace } from '../../../core/model/admit/prefetch-limit.ts'
import type { Priority } from '../../../core/model/run/run.ts'
import type { Turns } from '../../../core/model/conditions/relaxation.ts'
import type { OffersAsk } from '../../../core/model/admit/judged.ts'
import type { Task } from '../../../core/model/task/task.ts'

interface Waiting {
  task: string
  priority: Priority
  due_at: number
}

let ids = 0
const runsOf = (waiting: readonly Waiting[]) =>
  waiting.map(one => runOf({ ...one, id: `r${String(ids++).padStart(6, '0')}` }))

const shop = (tasks: readonly Partial<Task>[], waiting: readonly Waiting[], over: Partial<OffersAsk> = {}) =>
  store(tasks, runsOf(waiting), over)

const many = (task: string, priority: Priority, count: number, due = NOON): Waiting[] =>
  Array.from({ length: count }, (_, index) => ({ task, priority, due_at: due - count + index }))
const names = (runs: readonly Waiting[]) => runs.map(({ task, priority }) => `${task} ${priority}`)
const tally = (runs: readonly Waiting[]) =>
  Object.fromEntries(PRIORITIES.map(name => [name, runs.filter(({ priority }) => priority === name).length]))

t.test('on mains a plain queue has all slots', t => {
  t.equal(shop([{}], many('work', 'normal', 40), { reading: desktop() }).fill().length, 10)
  t.equal(shop([{}], many('work', 'normal', 40)).fill().length, 10, 'and so it has on a machine that tells nothing')
  t.end()
})

t.test('on battery never more run than priority and profile allow, whatever comes at once', t => {
  const waiting = PRIORITIES.flatMap(priority => many('work', priority, 10))
  const night = { reading: laptop(90), now: later(11) }
  t.strictSame(tally(shop([{}], waiting, night).fill()), { critical: 3, high: 2, normal: 1, low: 0 },
    'critical runs have slots of their own beside the three of the profile')
  const plain = waiting.filter(({ priority }) => priority !== 'critical')
  t.strictSame(tally(shop([{}], plain, night).fill()), { critical: 0, high: 2, normal: 1, low: 0 }, 'of one task')
  const apart = plain.map(run => ({ ...run, task: run.priority }))
  t.strictSame(tally(shop([{ id: 'high' }, { id: 'normal' }, { id: 'low' }], apart, night).fill()), {
    critical: 0,
    high: 2,
    normal: 1,
    low: 0
  })
  t.end()
})

t.test('on mains they hold when config.json names them', t => {
  const waiting = PRIORITIES.flatMap(priority => many(priority, priority, 10))
  const tasks = PRIORITIES.map(id => ({ id }))
  const settings = config({ scheduling: { max_concurrent_tasks: { critical: 3 } } })
  t.strictSame(tally(shop(tasks, waiting, { reading: desktop(), config: settings }).fill()), {
    critical: 3,
    high: 2,
    normal: 1,
    low: 1
  })
  t.end()
})

t.test('of more tasks than there are slots the urgent ones are asked for, then those due first', t => {
  const tasks = ['a', 'b', 'c', 'd'].map(id => ({ id }))
  const waiting: Waiting[] = [['a', 'normal', 3], ['b', 'high', 4], ['c', 'normal', 1], ['d', 'low', 0]].map((
    [task, priority, due]
  ) => ({ task, priority, due_at: NOON - 10 + Number(due) }) as Waiting)
  t.strictSame(names(shop(tasks, waiting, { slots: 2 }).fill()), ['b high', 'c normal'])
  t.end()
})

t.test('a critical run passes a closed gate, the other runs of its task do not', t => {
  const { fill } = shop([{}], [...many('work', 'critical', 1), ...many('work', 'normal', 5)], { reading: laptop(5) })
  t.strictSame(names(fill()), ['work critical'])
  t.end()
})

t.test('critical runs start where the profile has no slot left', t => {
  const { fill } = shop([{ id: 'a' }, { id: 'b' }], [...many('a', 'high', 3), ...many('b', 'critical', 2)], {
    reading: laptop(12),
    config: config({ classification: { thresholds: { normal: 0 } } })
  })
  t.strictSame(tally(fill()), { critical: 2, high: 1, normal: 0, low: 0 })
  t.end()
})

t.test('critical runs have slots of their own beside ten long ones', t => {
  const { fill, claim } = shop([{ id: 'long' }, { id: 'urgent', class: 'critical' }], many('long', 'high', 12))
  t.equal(fill().length, 10)
  t.equal(claim().runs.length, 0)
  const both = shop([{ id: 'long' }, { id: 'urgent', class: 'critical' }], [...many('long', 'high', 12),
    ...many('urgent', 'low', 5)])
  const running = both.fill()
  t.equal(running.filter(({ task }) => task === 'urgent').length, 5,
    'by class as by priority, and ordinary slots when theirs are taken')
  t.equal(running.filter(({ task }) => task === 'long').length, 8)
  t.end()
})

t.test('a run that starts because of its deadline takes no younger run of its task with it', t => {
  const task = { deadlineMs: 60 * MINUTE }
  const waiting = [...many('work', 'high', 2, later(-2)), ...many('work', 'high', 5)]
  const always = config({ scheduling: { priority_slots: 'never', profile_slots: 'never' } })
  t.equal(shop([task], waiting, { reading: laptop(5), config: always }).fill().length, 2)
  t.end()
})

t.test('background runs of all tasks together have the slots that the hour leaves', t => {
  const waiting = [...many('a', 'normal', 4), ...many('b', 'normal', 4), ...many('c', 'normal', 4)]
  const background = [{ id: 'a', class: 'background' }, { id: 'b', class: 'background' }, { id: 'c' }] as const
  const at = (now: number, file = {}) =>
    Object.groupBy(shop(background, waiting, { now, config: config(file) }).fill(), ({ task }) =>
      task === 'c' ? 'other' : 'background')
  t.strictSame([at(NOON).background!.length, at(NOON).other!.length], [3, 4], 'half of five in peak hours')
  t.equal(at(later(11)).background!.length, 4, 'and four fifths at night')
  t.equal(at(NOON, { scheduling: { max_background_batch: 1 } }).background!.length, 1, 'but never none')
  t.end()
})

t.test('a task has no more room than it allows, and one that is paused has none', t => {
  t.equal(shop([{ concurrency: 2 }], many('work', 'normal', 9)).fill().length, 2)
  const pauses = [{ scope: 'task', name: 'a', until: null, by: 'ada', at: NOON }] as const
  t.strictSame(
    names(shop([{ id: 'a' }, { id: 'b' }], [...many('a', 'high', 2), ...many('b', 'low', 1)], { pauses }).fill()),
    ['b low']
  )
  t.end()
})

t.test('a run whose turn has come goes ahead of the more urgent ones, and one only', t => {
  const waiting = [...many('busy', 'high', 20), ...many('meek', 'low', 5, later(-1))]
  const tasks = [{ id: 'busy' }, { id: 'meek' }]
  const settings = { config: config(), slots: 3 }
  const fresh = { low: NOON - MINUTE }
  t.strictSame(new Set(names(shop(tasks, waiting, { ...settings, turns: fresh }).fill())), new Set(['busy high']))
  const old = { normal: NOON }
  t.strictSame(names(shop(tasks, waiting, { ...settings, turns: old }).claim().runs), ['meek low', 'busy high',
    'busy high'])
  const own = [...many('one', 'high', 9), ...many('one', 'low', 1, later(-1))]
  t.strictSame(names(shop([{ id: 'one' }], own, { ...settings, turns: old }).claim().runs)[0], 'one low',
    'behind high runs of its own task too')
  t.equal(shop(tasks, waiting, { ...settings, reading: laptop(5), turns: old }).claim().runs.length, 0,
    'but through no closed gate')
  const just = [...many('busy', 'high', 20), ...many('meek', 'low', 5)]
  t.notOk(names(shop(tasks, just, { ...settings, turns: old }).claim().runs).includes('meek low'),
    'nor before it has waited')
  t.end()
})

t.test('behind critical runs high ones have their turn, and so has a run at its deadline', t => {
  const old = { turns: {}, config: config(), slots: 1 }
  const critical = many('busy', 'critical', 20)
  t.strictSame(
    names(
      shop([{ id: 'busy' }, { id: 'meek' }], [...critical, ...many('meek', 'high', 1, later(-1))], old).claim().runs
    )[0],
    'meek high'
  )
  const late = [{ id: 'busy' }, { id: 'meek', deadlineMs: 60 * MINUTE, constraints: { power: 'mains' as const } }]
  t.strictSame(
    names(
      shop(late, [...critical, ...many('meek', 'low', 1, later(-2))], { ...old, reading: laptop(90) }).claim().runs
    )[0],
    'meek low'
  )
  t.end()
})

t.test('a run that is to be alone, or needs several locks, is waited for once it has waited for long', t => {
  const settings = { config: config(), slots: 9 }
  const begun = (task: string, locks: string[] = []) => ({
    task,
    queue: 'default',
    priority: 'normal' as const,
    source: 'manual' as const,
    due_at: NOON,
    started_at: NOON,
    resting: false,
    locks,
    alone: false
  })
  const alone = (minutes: number) =>
    shop([{ id: 'solo', alone: true }, { id: 'busy' }], [...many('busy', 'high', 1),
      ...many('solo', 'low', 1, NOON - minutes * MINUTE)], { ...settings, running: [begun('busy')] })
  t.strictSame(names(alone(10).claim().runs), ['busy high'], 'what is more urgent comes first')
  t.strictSame(names(alone(16).claim().runs), [], 'but not for ever')
  const locked = (minutes: number) =>
    shop([{ id: 'both', locks: ['x', 'y'] }, { id: 'one', locks: ['y'] }], [...many('one', 'high', 1),
      ...many('both', 'low', 1, NOON - minutes * MINUTE)], { ...settings, running: [begun('one', ['x'])] })
  t.strictSame(names(locked(10).claim().runs), ['one high'])
  t.strictSame(names(locked(16).claim().runs), [])
  t.end()
})

t.test('each priority but critical has its turn every fifteen minutes, the one that waits longest first', t => {
  const due = { high: 0, normal: 0, low: 0 }
  const at = (turns: Turns, from: object = due) => agedPriorities(turns, from, { config: config(), now: NOON })
  t.strictSame(at({ high: NOON - 14 * MINUTE, normal: NOON, low: NOON - MINUTE }), [])
  t.strictSame(at({}), ['high', 'normal', 'low'])
  t.strictSame(at({ low: NOON - 20 * MINUTE, normal: NOON - 30 * MINUTE, high: NOON }), ['normal', 'low'])
  t.strictSame(at({}, { low: NOON - 14 * MINUTE }), [], 'a run has its turn once it has waited so long')
  t.end()
})

t.test('limits give way evenly from the declared part of the time on', t => {
  const at = (now: number, from = 0.5) => relaxation({ deadline: 100, lengthMs: 100, now, from })
  t.strictSame([0, 50, 75, 100, 150].map(now => at(now)), [0, 0, 0.5, 1, 1])
  t.strictSame([at(50, 0), at(99, 1), at(100, 1)], [0.5, 0, 1])
  t.strictSame(deadlineOf({ deadlineMs: 5, on_deadline: 'skip' }, { due_at: 10, created_at: 20 }), {
    at: 25,
    on_deadline: 'skip',
    lengthMs: 5
  })
  const retried = { due_at: 90, nominal_at: 10, created_at: 5, deadline_at: 110, attempt: 1 }
  t.strictSame(deadlineOf({ deadlineMs: 5, on_deadline: 'run' }, retried), {
    at: 110,
    on_deadline: 'run',
    lengthMs: 100
  }, 'a retry keeps its own')
  t.end()
})

t.test('runs are claimed ahead of their slots when nothing but slots bounds their task', t => {
  const ahead = (task: Partial<Task> = {}, over: Partial<OffersAsk> = {}) => {
    const { offers, pools } = offersFor({ ...shop([task], many('work', 'normal', 40), over).ask(), prefetch: () => 7 })
    return offers.filter(({ rank }) => rank === PREFETCH_RANK).map(({ needs }) => pools[needs[0]!])
  }
  t.strictSame(ahead(), [7])
  t.strictSame(ahead({ concurrency: 2 }), [7], 'they begin two at a time')
  t.strictSame(ahead({ locks: ['disk'] }), [])
  t.strictSame(ahead({ alone: true }), [])
  const dependencies = new Map([['other', {
    pending: false,
    circle: null,
    last: { state: 'completed' as const, at: 0, chain: [], message: null }
  }]])
  t.strictSame(ahead({ depends_on: [{ task: 'other', condition: 'done', freshMs: Infinity }] }, { dependencies }), [])
  t.strictSame(ahead({}, { config: config({ queues: { default: { concurrency: 50 } } }) }), [])
  t.strictSame(offersFor(shop([{}], many('work', 'normal', 40)).ask()).offers.length, 1)
  t.end()
})

t.test('how many are claimed ahead follows how quick a task is', t => {
  const after = (...times: number[]) =>
    times.reduce<RunPace | undefined>((pace, ms) => nextRunPace(pace, ms), undefined)
  const steadyPace = (ms: number, count = 20) => after(...Array<number>(count).fill(ms))
  t.equal(prefetchLimit(undefined, 10), 0)
  t.equal(prefetchLimit(steadyPace(0.1, 19), 10), 0, 'too little is known')
  t.equal(prefetchLimit(steadyPace(0), 10), 100, 'at most 100')
  t.equal(prefetchLimit(steadyPace(1), 10), 50, 'what ten slots begin in 5 ms')
  t.equal(prefetchLimit(steadyPace(5), 1), 1)
  t.equal(prefetchLimit(steadyPace(5.1), 10), 0)
  t.equal(prefetchLimit(after(...Array<number>(50).fill(0.1), 80), 10), 0, 'one slow run counts at once')
  t.ok(prefetchLimit(after(80, ...Array<number>(60).fill(0.1)), 10) > 50, 'and is forgotten little by little')
  t.end()
})
