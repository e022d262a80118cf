import { PRIORITIES } from '../run/run.ts'
import { NOBODY, crowdOf, queueRoom } from '../gates/crowd.ts'
import { agedPriorities } from '../gates/relax.ts'
import { classify } from '../gates/classify.ts'
import { defaultsOf } from '../config/config.ts'
import { judge, lookOf, verdictIn } from '../gates/evaluate.ts'
import { prioritySlots } from '../gates/priority.ts'
import { profileSlots } from '../gates/profile.ts'
import { unknownReading } from '../machine/reading.ts'
import type { Bucket } from '../config/queue.ts'
import type { Config } from '../config/config.ts'
import type { Judgement, Pause, Standing, Subject, Trials, Verdict, Waiting } from '../gates/gate.ts'
import type { Look } from '../gates/evaluate.ts'
import type { Prior } from '../gates/dependency.ts'
import type { Priority, Run } from '../run/run.ts'
import type { Running } from '../gates/crowd.ts'
import type { Reading } from '../machine/reading.ts'
import type { Steady } from '../machine/hysteresis.ts'
import type { Task } from '../task/task.ts'
import type { Turns } from '../gates/relax.ts'

/** What the machine, the configuration and people say. What is absent: a machine that tells nothing, the defaults, no pause. */
export interface Circumstances {
  reading?: Reading
  steady?: Steady | null
  config?: Config
  pauses?: readonly Pause[]
  trials?: Trials
}

export interface RoomAsk extends Circumstances {
  /** The tasks with due runs: how many, and the one that comes first. */
  due: readonly { task: string, first: Run, count?: number }[]
  tasks: ReadonlyMap<string, Task>
  /** Running runs by task. */
  active: ReadonlyMap<string, number>
  /** Running runs by priority. */
  priorities?: Readonly<Partial<Record<Priority, number>>>
  /** When each priority was last started; absent: no priority ages. */
  turns?: Turns
  /** Running runs one by one, those that rest among them. */
  running?: readonly Running[]
  /** Starts that queues with a rate have left. */
  buckets?: ReadonlyMap<string, Bucket>
  /** What the tasks have done that others depend on. */
  priors?: ReadonlyMap<string, Prior>
  slots: number
  now: number
  /** How many runs of a task may be claimed before there is a slot for them; absent: none. */
  ahead?: (task: string) => number
}

/** What may be claimed at once: so many runs in all, and so many of each task, queue and priority. `ahead`: so many of a task beyond that. */
export interface Grant {
  limit: number
  room: { tasks: Record<string, number>, queues: Record<string, number>, priorities: Partial<Record<Priority, number>>, ahead?: Record<string, number> }
}

const DEFAULTS = defaultsOf()

export type Facts = Omit<RoomAsk, 'due' | 'turns' | 'ahead'>

/** What is so beside the task of a run: slots, priorities, pauses. */
export function standingOf ({ tasks, active, slots, priorities = {}, pauses = [], trials, running = [], buckets, priors = new Map(), config = DEFAULTS }: Facts): Omit<Standing, 'active'> {
  let taken = 0
  let background = 0
  for (const [id, count] of active) {
    const task = tasks.get(id)
    taken += count
    if (task !== undefined && classify(task, config).class === 'background') background += count
  }
  return { free: Math.max(0, slots - taken), slots, priorities, background, pauses, crowd: crowdOf(running, buckets), priors, known: tasks, ...trials && { trials } }
}

function lookWith (facts: Facts, standing: Omit<Standing, 'active'>): Look {
  const { now, reading = unknownReading(now), steady = null, config = DEFAULTS } = facts
  return lookOf({ reading, steady, config, now, standing: { ...standing, active: 0 } })
}

const subjectOf = ({ tasks, active }: Facts, run: Waiting): Subject => ({ task: tasks.get(run.task), run, active: active.get(run.task) ?? 0 })

/** The verdicts on runs as things stand. */
export function verdictsOn (facts: Facts, runs: readonly Waiting[]): Verdict[] {
  const look = lookWith(facts, standingOf(facts))
  return runs.map(run => verdictIn(look, subjectOf(facts, run)))
}

/** The verdict on one run as things stand. */
export const verdictOn = (facts: Facts, run: Waiting): Verdict => verdictsOn(facts, [run])[0]!

/** `plain`: nothing but slots and the task's own concurrency bounds how many may start. `passes`: it passes the profile's slots. */
interface Entry { task: Task, first: Run, most: number, judgement: Judgement, plain: boolean, passes: boolean }

/** One asking for grants. */
interface Asking { ask: RoomAsk, look: Look, standing: Omit<Standing, 'active'>, queues: Grant['room']['queues'], judgements: Map<Run, Judgement> }

function judged ({ ask, look, judgements }: Asking, run: Run): Judgement {
  const before = judgements.get(run)
  if (before !== undefined) return before
  const judgement = judge(look, subjectOf(ask, run))
  judgements.set(run, judgement)
  return judgement
}

const RANKS = Object.fromEntries(PRIORITIES.map((name, rank) => [name, rank])) as Record<Priority, number>

const comesFirst = (a: { first: Run }, b: { first: Run }) =>
  RANKS[a.first.priority] - RANKS[b.first.priority] || a.first.due_at - b.first.due_at

/** A run that only waits to be alone: those that come after it wait too, or it would wait for ever. */
const waitsAlone = (task: Task | undefined, { gates }: Judgement): boolean =>
  task?.alone === true && gates.every(({ ok, gate }) => ok || gate === 'alone' || gate === 'slots')

const passesProfile = ({ gates }: Judgement) =>
  gates.some(({ gate, bypassed }) => (gate === 'profile' || gate === 'background') && bypassed !== null)

/** The tasks whose first run may start, in the order in which runs are claimed, as many as there can be slots for. `alone`: the last one is to
 *  have the machine for itself, or waits for that. */
function openEntries (asking: Asking): { entries: Entry[], alone: boolean } {
  const { ask, standing, queues } = asking
  const entries: Entry[] = []
  let background = (ask.config ?? DEFAULTS).scheduling.max_background_batch - standing.background
  let wanted = standing.free
  const locked = new Set<string>()
  for (const { task: id, first, count = Infinity } of ask.due.toSorted(comesFirst)) {
    if (wanted <= 0) break
    const task = ask.tasks.get(id)
    const judgement = judged(asking, first)
    if (waitsAlone(task, judgement)) return { entries: judgement.decision === 'start' && entries.length === 0 ? [{ task: task!, first, most: 1, judgement, plain: false, passes: passesProfile(judgement) }] : entries, alone: true }
    if (task === undefined || judgement.decision !== 'start' || task.locks.some(name => locked.has(name))) continue
    const passes = passesProfile(judgement)
    const isBackground = judgement.class.class === 'background'
    const single = judgement.alone || task.locks.length > 0 || (task.breaker !== null && ask.trials?.has(id)) ? 1 : Infinity
    const rules = Math.min(single, isBackground && !passes ? background : Infinity, queues[first.queue] ?? Infinity)
    const most = Math.min(standing.free, count, task.concurrency - (ask.active.get(id) ?? 0), rules)
    if (most < 1) continue
    if (isBackground) background -= most
    wanted -= most
    for (const name of task.locks) locked.add(name)
    entries.push({ task, first, most, judgement, passes, plain: rules === Infinity && task.depends_on.length === 0 && task.breaker === null })
  }
  return { entries, alone: false }
}

/** Critical by its priority alone: other runs of the same task are not. */
const urgent = ({ first, judgement }: Entry) => first.priority === 'critical' && judgement.class.class !== 'critical'

const only = (priority: Priority, most: number): Partial<Record<Priority, number>> =>
  Object.fromEntries(PRIORITIES.map(name => [name, name === priority ? most : 0]))

function tasksOf (entries: readonly Entry[]): Record<string, number> {
  const tasks: Record<string, number> = {}
  for (const { task, most } of entries) tasks[task.id] = most
  return tasks
}

function aheadOf (entries: readonly Entry[], ahead: NonNullable<RoomAsk['ahead']>): Record<string, number> {
  const tasks: Record<string, number> = {}
  for (const { task: { id }, plain } of entries) {
    const most = plain ? ahead(id) : 0
    if (most > 0) tasks[id] = most
  }
  return tasks
}

/** Whether runs of a priority may be among the due ones of a task: none is more urgent than the first, and a single one is the first. */
const mayHave = ({ first, count }: RoomAsk['due'][number], priority: Priority): boolean =>
  first.priority === priority || (count !== 1 && RANKS[first.priority] < RANKS[priority])

/** One run of each priority whose turn has come, from tasks that could start one of it. */
function agedGrants (asking: Asking, limit: number): Grant[] {
  const { ask, look, queues } = asking
  if (ask.turns === undefined || limit < 1) return []
  return agedPriorities(ask.turns, look.config, ask.now).flatMap(priority => {
    const tasks: Record<string, number> = {}
    for (const one of ask.due) {
      if (!mayHave(one, priority)) continue
      const { first, task } = one
      const { decision, alone } = first.priority === priority ? judged(asking, first) : judge(look, subjectOf(ask, { ...first, priority }))
      if (decision === 'start' && !alone) tasks[task] = 1
    }
    return [{ limit: 1, room: { queues, tasks, priorities: only(priority, 1) } }]
  })
}

/** What may be claimed now, to be tried in order up to the first grant that takes a run; then things stand differently and the
 *  question is asked again. Runs that pass the profile's slots come first, then priorities whose turn has come, then all others. */
export function grantsFor (ask: RoomAsk): Grant[] {
  const standing = standingOf(ask)
  if (standing.free === 0 || ask.due.length === 0) return []
  const look = lookWith(ask, standing)
  const { config, now } = look
  const profile = profileSlots(look)
  const left = Math.min(standing.free, profile === null ? Infinity : profile.slots - (standing.slots - standing.free))
  const queues = queueRoom(standing.crowd ?? NOBODY, config, now)
  const asking: Asking = { ask, look, standing, queues, judgements: new Map() }
  const { entries, alone } = openEntries(asking)
  const ready = (priority: Priority) => prioritySlots(priority, look) - (standing.priorities[priority] ?? 0)
  const priorities = Object.fromEntries(PRIORITIES.map(name => [name, ready(name)]).filter(([, most]) => most !== Infinity)) as Grant['room']['priorities']
  const first = entries.filter(urgent)
  const passing = entries.filter(entry => entry.passes && !urgent(entry))
  const others = entries.filter(entry => !entry.passes && !urgent(entry))
  const grants: Grant[] = [
    { limit: standing.free, room: { queues, tasks: tasksOf(first), priorities: only('critical', Math.min(standing.free, ready('critical'))) } },
    { limit: standing.free, room: { queues, tasks: tasksOf(passing), priorities } },
    ...alone ? [] : agedGrants(asking, left),
    { limit: left, room: { queues, tasks: tasksOf(others), priorities, ...profile === null && ask.ahead && { ahead: aheadOf(others, ask.ahead) } } }
  ]
  return grants.filter(({ limit, room }) => limit > 0 && Object.keys(room.tasks).length > 0)
}

/** What may be claimed of the runs that are due at `now`, an instant that is yet to come: those that nothing but slots and their task's own
 *  concurrency bounds, for others may start before them. Null: none. */
export function earlyGrant (ask: Omit<RoomAsk, 'turns' | 'ahead'>): Grant | null {
  for (const { limit, room: { ahead = {}, tasks, queues, priorities } } of grantsFor({ ...ask, ahead: () => 1 })) {
    const plain = Object.keys(ahead)
    if (plain.length > 0 && Object.keys(priorities).length === 0) return { limit, room: { tasks: Object.fromEntries(plain.map(id => [id, tasks[id]!])), queues, priorities } }
  }
  return null
}
