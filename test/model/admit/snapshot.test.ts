import t from 'tap'
import fc from 'fast-check'
import { deepStrictEqual as deepEqual } from 'node:assert/strict'
import { CONFIG, machines, priorities, tasks, times } from '../gates/worlds.ts'
import { MINUTE } from '../../../core/model/base/duration.ts'
import { NOON, config, laptop, run, occupancy } from '../gates/machine.ts'
import { GATES } from '../../../core/model/gates/gates.ts'
import { inUseBy } from '../../../core/model/conditions/occupancy.ts'
import { judge, snapshotOf, verdictIn } from '../../../core/model/admit/evaluate.ts'
import { taskOf } from '../../task.ts'
import type { GateAnswer, Pause, Subject, Verdict } from '../../../core/model/conditions/gate.ts'
import type { Snapshot } from '../../../core/model/admit/evaluate.ts'
import type { Priority } from '../../../core/model/run/run.ts'
import type { Task } from '../../../core/model/task/task.ts'

const rarely = <T>(value: T, usual: T) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constant(value) })
const breaker = { failures: 2, pauseMs: MINUTE, capMs: MINUTE }

/** What a task may mind beside the machine. */
const minding: fc.Arbitrary<Partial<Task>> = fc.record({
  enabled: rarely<boolean>(false, true),
  tags: rarely<string[]>(['heavy'], []),
  alone: rarely<boolean>(true, false),
  locks: rarely<string[]>(['disk'], []),
  breaker: rarely<Task['breaker']>(breaker, null),
  depends_on: rarely<Task['depends_on']>([{ task: 'first', condition: 'completed', freshMs: Infinity }], []),
  concurrency: fc.constantFrom(1, 2, Infinity)
})

const more = { battery_below: 40, io_below: 0.1, signals: { price: '< 5' }, not_while: ['render'] }
const asking = fc.tuple(tasks,
  fc.constantFrom<((task: Task) => Task)[]>(task => task, task => ({ ...task, constraints: more }),
    task => ({ ...task, constraints: {} }))).map(([task, so]) => so(task))

const subjects: fc.Arbitrary<Subject> = fc.record({
  task: asking,
  minds: minding,
  isGone: rarely<boolean>(true, false),
  priority: priorities,
  queue: fc.constantFrom('default', 'mail'),
  active: fc.nat(2),
  minutes: rarely(90, 0)
}).map(({ task, minds, isGone, priority, queue, active, minutes }) => ({
  task: isGone ? undefined : { ...task, ...minds },
  active,
  run: { task: 'work', priority, queue, due_at: NOON + minutes * MINUTE, source: 'schedule' }
}))

const standings = fc.record({
  free: fc.constantFrom(0, 4),
  background: fc.constantFrom(0, 5),
  priorities: fc.constantFrom({}, { low: 1, critical: 3 }),
  pauses: rarely<Pause[]>([{ scope: 'tag', name: 'heavy', until: null, by: 'ada', at: NOON }], []),
  inUse: fc.constantFrom(inUseBy([]), inUseBy([{ task: 'solo', queue: 'mail', locks: [], alone: true }]),
    inUseBy([{ task: 'other', queue: 'mail', locks: ['disk'], alone: false }])),
  trials: fc.constant(new Map([['work', { run: 'r1' }]]))
}).map(occupancy)

const QUEUES = config({ queues: { mail: { concurrency: 1, rate: { limit: 3, per: '1m' } } } })

const TIGHT = config({
  resources: { cpu_limit: 0.05, memory_limit: 0.05, io_limit: 0.05, network_limit: 0.05, temperature_limit: 20 }
})

const moments = fc.record({ stand: standings, after: times, settings: fc.constantFrom(CONFIG, QUEUES, TIGHT) })

/** Looks at one reading of the machine. */
const looksAt = fc.tuple(machines, fc.array(moments, { minLength: 1, maxLength: 4 })).map(([reading, looks]) =>
  looks.map(({ stand, after, settings }) =>
    snapshotOf({ reading, hysteresis: null, config: settings, occupancy: stand, now: NOON + after })
  )
)

const looks = looksAt.map(([first]) => first!)

const together = fc.tuple(looks, fc.array(subjects, { minLength: 1, maxLength: 5 }))

/** What every gate says of a run when it is asked by itself, passed where the verdict says so. */
function asked (
  { reading, config: settings, occupancy: stand, now }: Snapshot,
  { task, run, active }: Subject,
  verdict: Verdict
): GateAnswer[] {
  const facts = {
    task,
    run,
    reading,
    config: settings,
    occupancy: { ...stand, active },
    now,
    class: verdict.class.class,
    relaxed: verdict.relaxed
  }
  return GATES.flatMap(({ gate, kind }) => {
    const result = gate(facts)
    if (result === null) return []
    const bypassed = verdict.gates.find(one => one.gate === result.gate)?.bypassed ?? null
    return [{ ...result, kind, ok: result.ok || bypassed !== null, bypassed }]
  })
}

t.test('runs that are judged together get the same answers as runs judged one by one', t => {
  fc.assert(fc.property(together, ([snapshot, runs]) => {
    for (const subject of runs) {
      const verdict = verdictIn(snapshot, subject)
      deepEqual(verdict.gates, asked(snapshot, subject, verdict))
    }
  }), { numRuns: 500 })
  t.end()
})

t.test('looks at one reading tell each what is so at its own instant, with its own configuration', t => {
  fc.assert(fc.property(looksAt, subjects, (all, subject) => {
    for (const snapshot of all) {
      const verdict = verdictIn(snapshot, subject)
      deepEqual(verdict.gates, asked(snapshot, subject, verdict))
    }
  }), { numRuns: 500 })
  t.end()
})

const against = ({ gates }: Pick<Verdict, 'gates'>) =>
  gates.filter(({ ok, bypassed }) => !ok || bypassed !== null).toSorted((a, b) => a.gate < b.gate ? -1 : 1)

t.test('the scheduler decides by the gates that why shows', t => {
  fc.assert(fc.property(together, ([snapshot, runs]) => {
    for (const subject of runs) {
      const { phase, bypass, critical, gates, ...short } = judge(snapshot, subject)
      const { decision, gates: all, class: kind, deadline, relaxed } = verdictIn(snapshot, subject)
      deepEqual({ ...short, gates: against({ gates }) }, { decision, gates: against({ gates: all }), class: kind })
      const overdue = deadline !== null && snapshot.now >= deadline.at
      deepEqual([phase, bypass !== null && critical], [overdue ? 'overdue' : relaxed > 0 ? 'eased' : 'fresh',
        bypass === 'critical'])
    }
  }), { numRuns: 500 })
  t.end()
})

t.test('what a critical run passes stays closed to the next', t => {
  const snapshot = snapshotOf({
    reading: laptop(90),
    hysteresis: null,
    config: config(),
    occupancy: occupancy({ free: 4 }),
    now: NOON
  })
  const ask = (priority: Priority) => ({ task: taskOf(), run: run({ priority }), active: 0 })
  const words = (priority: Priority) =>
    [verdictIn, judge].map(answer => answer(snapshot, ask(priority)).gates.find(({ gate }) => gate === 'profile'))
  t.match(words('critical'), [{ ok: true, bypassed: 'critical' }, { ok: true, bypassed: 'critical' }])
  t.match(words('normal'), [{ ok: false, bypassed: null }, { ok: false, bypassed: null }])
  t.end()
})
