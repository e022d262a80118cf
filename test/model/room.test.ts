import t from 'tap'
import fc from 'fast-check'
import { MINUTE } from '../../core/model/base/duration.ts'
import { NOON, config, desktop, laptop, later } from './gates/machine.ts'
import { PRIORITIES } from '../../core/model/run/run.ts'
import { aheadFor, paced } from '../../core/model/admit/prefetch.ts'
import { agedPriorities, deadlineOf, relaxation } from '../../core/model/gates/relax.ts'
import { grantsFor, verdictOn } from '../../core/model/admit/room.ts'
import { taskOf } from '../task.ts'
import type { Pace } from '../../core/model/admit/prefetch.ts'
import type { Priority, Run } from '../../core/model/run/run.ts'
import type { RoomAsk } from '../../core/model/admit/room.ts'
import type { Task } from '../../core/model/task/task.ts'

interface Waiting { task: string, priority: Priority, due_at: number }

const runOf = (waiting: Waiting) => ({ ...waiting, queue: 'default', source: 'manual', created_at: waiting.due_at }) as Run

/** The engine's side of a claim: what is due by task, and which of it a grant takes. */
function shop (tasks: Partial<Task>[], waiting: Waiting[], over: Partial<RoomAsk> = {}) {
  const map = new Map(tasks.map(task => taskOf(task)).map(task => [task.id, task]))
  const left = waiting.toSorted((a, b) => PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) || a.due_at - b.due_at)
  const running: Waiting[] = []
  const countBy = (key: 'task' | 'priority') => Object.entries(Object.groupBy(running, run => run[key])).map(([name, runs]) => [name, runs!.length] as const)
  const ask = (): RoomAsk => ({
    due: Object.values(Object.groupBy(left, ({ task }) => task)).map(runs => ({ task: runs![0]!.task, first: runOf(runs![0]!), count: runs!.length })),
    tasks: map, active: new Map(countBy('task')), priorities: Object.fromEntries(countBy('priority')), slots: 10, now: NOON, ...over
  })
  const claim = () => {
    for (const { limit, room } of grantsFor(ask())) {
      const taken: Waiting[] = []
      const spent: Record<string, number> = {}
      for (const run of left) {
        const names = [`task ${run.task}`, `priority ${run.priority}`]
        const fits = taken.length < limit && (spent[names[0]!] ?? 0) < (room.tasks[run.task] ?? 0) && (spent[names[1]!] ?? 0) < (room.priorities[run.priority] ?? Infinity)
        if (!fits) continue
        taken.push(run)
        for (const name of names) spent[name] = (spent[name] ?? 0) + 1
      }
      if (taken.length === 0) continue
      for (const run of taken) left.splice(left.indexOf(run), 1)
      running.push(...taken)
      return taken
    }
    return []
  }
  const fill = () => {
    while (claim().length > 0);
    return running
  }
  return { ask, claim, fill, left, running }
}

const many = (task: string, priority: Priority, count: number, due = NOON): Waiting[] => Array.from({ length: count }, (_, index) => ({ task, priority, due_at: due - count + index }))
const names = (runs: Waiting[]) => runs.map(({ task, priority }) => `${task} ${priority}`)
const tally = (runs: Waiting[]) => Object.fromEntries(PRIORITIES.map(name => [name, runs.filter(({ priority }) => priority === name).length]))

t.test('on mains a plain queue has all slots', t => {
  t.equal(shop([{}], many('work', 'normal', 40), { reading: desktop() }).fill().length, 10)
  t.equal(shop([{}], many('work', 'normal', 40)).fill().length, 10, 'and so it has on a machine that tells nothing')
  t.end()
})

t.test('on battery never more run than priority and profile allow, whatever comes at once', t => {
  const waiting = PRIORITIES.flatMap(priority => many('work', priority, 10))
  const night = { reading: laptop(90), now: later(11) }
  t.strictSame(tally(shop([{}], waiting, night).fill()), { critical: 3, high: 0, normal: 0, low: 0 }, 'three critical runs fill the profile')
  const plain = waiting.filter(({ priority }) => priority !== 'critical')
  t.strictSame(tally(shop([{}], plain, night).fill()), { critical: 0, high: 2, normal: 1, low: 0 }, 'of one task')
  const apart = plain.map(run => ({ ...run, task: run.priority }))
  t.strictSame(tally(shop([{ id: 'high' }, { id: 'normal' }, { id: 'low' }], apart, night).fill()), { critical: 0, high: 2, normal: 1, low: 0 })
  t.end()
})

t.test('on mains they hold when config.json names them', t => {
  const waiting = PRIORITIES.flatMap(priority => many(priority, priority, 10))
  const tasks = PRIORITIES.map(id => ({ id }))
  const settings = config({ scheduling: { max_concurrent_tasks: { critical: 3 } } })
  t.strictSame(tally(shop(tasks, waiting, { reading: desktop(), config: settings }).fill()), { critical: 3, high: 2, normal: 1, low: 1 })
  t.end()
})

t.test('of more tasks than there are slots the urgent ones are asked for, then those due first', t => {
  const tasks = ['a', 'b', 'c', 'd'].map(id => ({ id }))
  const waiting: Waiting[] = [['a', 'normal', 3], ['b', 'high', 4], ['c', 'normal', 1], ['d', 'low', 0]].map(([task, priority, due]) => ({ task, priority, due_at: NOON - 10 + Number(due) }) as Waiting)
  t.strictSame(names(shop(tasks, waiting, { slots: 2 }).fill()), ['b high', 'c normal'])
  t.end()
})

t.test('a critical run passes a closed gate, the other runs of its task do not', t => {
  const { fill } = shop([{}], [...many('work', 'critical', 1), ...many('work', 'normal', 5)], { reading: laptop(5) })
  t.strictSame(names(fill()), ['work critical'])
  t.end()
})

t.test('critical runs start where the profile has no slot left', t => {
  const { fill } = shop([{ id: 'a' }, { id: 'b' }], [...many('a', 'high', 3), ...many('b', 'critical', 2)], { reading: laptop(12), config: config({ classification: { thresholds: { normal: 0 } } }) })
  t.strictSame(tally(fill()), { critical: 2, high: 0, normal: 0, low: 0 })
  t.end()
})

t.test('a run that starts because of its deadline takes no younger run of its task with it', t => {
  const task = { deadlineMs: 60 * MINUTE }
  const waiting = [...many('work', 'high', 2, later(-2)), ...many('work', 'high', 5)]
  t.equal(shop([task], waiting, { reading: laptop(5) }).fill().length, 2)
  t.end()
})

t.test('no more than five background runs, of all tasks together', t => {
  const waiting = [...many('a', 'normal', 4), ...many('b', 'normal', 4), ...many('c', 'normal', 4)]
  const running = shop([{ id: 'a', class: 'background' }, { id: 'b', class: 'background' }, { id: 'c' }], waiting).fill()
  t.equal(running.filter(({ task }) => task !== 'c').length, 5)
  t.equal(running.filter(({ task }) => task === 'c').length, 4)
  t.end()
})

t.test('a task has no more room than it allows, and one that is paused has none', t => {
  t.equal(shop([{ concurrency: 2 }], many('work', 'normal', 9)).fill().length, 2)
  const pauses = [{ scope: 'task', name: 'a', until: null, by: 'ada', at: NOON }] as const
  t.strictSame(names(shop([{ id: 'a' }, { id: 'b' }], [...many('a', 'high', 2), ...many('b', 'low', 1)], { pauses }).fill()), ['b low'])
  t.end()
})

t.test('a low run whose turn has come goes ahead of the more urgent ones, and one only', t => {
  const waiting = [...many('busy', 'high', 20), ...many('meek', 'low', 5)]
  const tasks = [{ id: 'busy' }, { id: 'meek' }]
  const fresh = { since: NOON - MINUTE, started: {} }
  t.strictSame(new Set(names(shop(tasks, waiting, { slots: 3, turns: fresh }).fill())), new Set(['busy high']))
  const old = { since: NOON - 60 * MINUTE, started: { normal: NOON } }
  t.strictSame(names(shop(tasks, waiting, { slots: 3, turns: old }).claim()), ['meek low'])
  t.strictSame(names(shop([{ id: 'one' }], [...many('one', 'high', 9), ...many('one', 'low', 1)], { slots: 3, turns: old }).claim()), ['one low'], 'behind high runs of its own task too')
  t.equal(shop(tasks, waiting, { reading: laptop(5), turns: old }).claim().length, 0, 'but through no closed gate')
  t.end()
})

t.test('a priority whose turn has come is asked of the tasks alone that can have a run of it', t => {
  const turns = { since: NOON - 60 * MINUTE, started: { normal: NOON } }
  const waiting = [...many('one', 'high', 1), ...many('some', 'high', 2), ...many('meek', 'low', 1), ...many('held', 'low', 1)]
  const tasks = [{ id: 'one' }, { id: 'some' }, { id: 'meek' }, { id: 'held', constraints: { battery_below: 1 } }]
  t.strictSame(grantsFor(shop(tasks, waiting, { turns }).ask())[0]?.room.tasks, { some: 1, meek: 1 }, 'one that is known to be high is none')
  const normal = { since: NOON - 60 * MINUTE, started: { low: NOON } }
  t.strictSame(grantsFor(shop(tasks, waiting, { turns: normal }).ask())[0]?.room.tasks, { some: 1 }, 'and behind a low run comes no normal one')
  t.end()
})

t.test('low and normal runs have their turn every fifteen minutes, the one that waited longest first', t => {
  const at = (since: number, started: object) => agedPriorities({ since: NOON - since * MINUTE, started }, config(), NOON)
  t.strictSame([at(14, {}), at(15, {}), at(90, { low: NOON - 20 * MINUTE, normal: NOON - 30 * MINUTE })], [[], ['low', 'normal'], ['normal', 'low']])
  t.strictSame(at(90, { low: NOON - 14 * MINUTE, normal: NOON }), [])
  t.end()
})

t.test('limits give way evenly from the declared part of the time on', t => {
  const at = (now: number, from = 0.5) => relaxation({ deadline: 100, lengthMs: 100, now, from })
  t.strictSame([0, 50, 75, 100, 150].map(now => at(now)), [0, 0, 0.5, 1, 1])
  t.strictSame([at(50, 0), at(99, 1), at(100, 1)], [0.5, 0, 1])
  t.strictSame(deadlineOf({ deadlineMs: 5, on_deadline: 'skip' }, { due_at: 10, created_at: 20 }), { at: 25, on_deadline: 'skip' })
  t.end()
})

t.test('runs are granted if and only if the first of their task is told to start', t => {
  const tasks = ['a', 'b', 'c'].map((id, index) => ({ id, concurrency: index + 1, class: index === 1 ? 'background' as const : null }))
  const waiting = fc.array(fc.record({ task: fc.constantFrom('a', 'b', 'c'), priority: fc.constantFrom(...PRIORITIES), due_at: fc.integer({ min: NOON - 1000, max: NOON }) }), { maxLength: 12 })
  const machines = fc.constantFrom(desktop(), laptop(5), laptop(35), laptop(90))
  fc.assert(fc.property(waiting, machines, fc.integer({ min: 0, max: 4 }), (runs, reading, slots) => {
    const { ask, claim } = shop(tasks, runs, { reading, slots })
    for (;;) {
      const asked = ask()
      const starts = asked.due.some(({ first }) => verdictOn(asked, first).decision === 'start')
      const taken = claim()
      if (starts !== taken.length > 0) return false
      if (!starts) return true
    }
  }), { numRuns: 500 })
  t.end()
})

t.test('runs are claimed ahead of their slots when nothing but slots bounds their task', t => {
  const ahead = (task: Partial<Task> = {}, over: Partial<RoomAsk> = {}) =>
    grantsFor({ ...shop([task], many('work', 'normal', 40), over).ask(), ahead: () => 7 }).at(-1)?.room.ahead ?? {}
  t.strictSame(ahead(), { work: 7 })
  t.strictSame(ahead({ concurrency: 2 }), { work: 7 }, 'they begin two at a time')
  t.strictSame(ahead({ locks: ['disk'] }), {})
  t.strictSame(ahead({ alone: true }), {})
  t.strictSame(ahead({ depends_on: [{ task: 'other', condition: 'done', freshMs: Infinity }] }, { priors: new Map([['other', { pending: false, circle: null, last: { state: 'completed', at: 0, chain: [], message: null } }]]) }), {})
  t.strictSame(ahead({}, { config: config({ queues: { default: { concurrency: 50 } } }) }), {})
  t.equal(grantsFor(shop([{}], many('work', 'normal', 40)).ask()).at(-1)!.room.ahead, undefined)
  t.end()
})

t.test('how many are claimed ahead follows how quick a task is', t => {
  const after = (...times: number[]) => times.reduce<Pace | undefined>((pace, ms) => paced(pace, ms), undefined)
  const steady = (ms: number, count = 20) => after(...Array<number>(count).fill(ms))
  t.equal(aheadFor(undefined, 10), 0)
  t.equal(aheadFor(steady(0.1, 19), 10), 0, 'too little is known')
  t.equal(aheadFor(steady(0), 10), 100, 'at most so many')
  t.equal(aheadFor(steady(1), 10), 50, 'what ten slots begin in 5 ms')
  t.equal(aheadFor(steady(5), 1), 1)
  t.equal(aheadFor(steady(5.1), 10), 0)
  t.equal(aheadFor(after(...Array<number>(50).fill(0.1), 80), 10), 0, 'one slow run counts at once')
  t.ok(aheadFor(after(80, ...Array<number>(60).fill(0.1)), 10) > 50, 'and is forgotten little by little')
  t.end()
})
