import { inUseBy } from '../conditions/occupancy.ts'
import { classify } from '../conditions/classify.ts'
import { defaultsOf } from '../config/config.ts'
import { isPaced, paceOf } from '../gates/pace.ts'
import { snapshotOf, verdictIn } from './evaluate.ts'
import { TRIED_MS, isSuspect } from '../run/crash-suspect.ts'
import { unknownReading } from '../machine/reading.ts'
import { urgencyOf } from '../conditions/urgency.ts'
import type { Bucket } from '../config/queue.ts'
import type { Config } from '../config/config.ts'
import type { Snapshot } from './evaluate.ts'
import type { Others, Running } from '../conditions/occupancy.ts'
import type { Conditions, Occupancy, Reservation, Subject, Verdict, Waiting } from '../conditions/gate.ts'
import type { DependencyState } from '../conditions/dependency-state.ts'
import type { Priority, Source } from '../run/run.ts'
import type { Task } from '../task/task.ts'

/** A run that this process executes. `resting`: it has given up its slot for now and keeps its queue and its locks. */
export interface ActiveRun extends Running {
  priority: Priority
  source: Source
  due_at: number
  started_at: number
  resting: boolean
  crashes?: number
}

/** Everything that decides verdicts, apart from the runs. Absent conditions stand for a machine without sensors, the
 *  default configuration and no pauses. */
export interface AdmissionInput extends Partial<Conditions> {
  tasks: ReadonlyMap<string, Task>
  running: readonly ActiveRun[]
  others?: Others
  /** The starts left, by queue with a rate. */
  buckets?: ReadonlyMap<string, Bucket>
  /** The state of the tasks that others depend on, by id. */
  dependencies?: ReadonlyMap<string, DependencyState>
  slots: number
  now: number
  /** Scheduled runs due before this instant (epoch ms) are overdue and start gradually; null or absent: none are. */
  piledUpBefore?: number | null
  /** The run that later runs wait for. */
  reserved?: Reservation | null
  /** Until when the clock is in doubt because it was set far forward, epoch ms by that clock; absent: it is not. */
  doubtedUntil?: number
}

const DEFAULTS = defaultsOf()

/** The occupancy, and the running runs of all owners by task. */
interface TotalOccupancy {
  occupancy: Omit<Occupancy, 'active'>
  byTask: ReadonlyMap<string, number>
}

/** The running crash suspect that started less than TRIED_MS ago, or null. */
function triedIn (running: readonly ActiveRun[], cap: number, now: number): Occupancy['tried'] {
  const found = running.find(run => isSuspect(run, cap) && now - run.started_at < TRIED_MS)
  return found === undefined ? null : { task: found.task, until: found.started_at + TRIED_MS }
}

interface Counts {
  byTask: Map<string, number>
  priorities: Partial<Record<Priority, number>>
  taken: number
  critical: number
  background: number
  paced: number
}

type Counted = Pick<AdmissionInput, 'tasks' | 'running' | 'others'> & { config: Config, since: number | null }

/** Counts the runs that occupy a slot. `paced`: those that started under the pace, see `paceOf`. */
function countsOf ({ tasks, running, others, config, since }: Counted): Counts {
  const byTask = new Map(Object.entries(others?.tasks ?? {}))
  const counts: Counts = { byTask, priorities: {}, taken: 0, critical: 0, background: 0, paced: 0 }
  for (const run of running) {
    if (run.resting) continue
    const task = tasks.get(run.task)
    const kind = task === undefined ? 'normal' : classify(task, config).class
    const urgency = urgencyOf({ run, task, class: kind })
    byTask.set(run.task, (byTask.get(run.task) ?? 0) + 1)
    counts.priorities[urgency] = (counts.priorities[urgency] ?? 0) + 1
    counts.taken += 1
    if (urgency === 'critical') counts.critical += 1
    if (kind === 'background') counts.background += 1
    if (since !== null && urgency !== 'critical' && run.started_at >= since && isPaced({ since }, run)) {
      counts.paced += 1
    }
  }
  return counts
}

/** Counts the running runs. Critical runs fill their reserved slots first. */
export function occupancyOf (input: AdmissionInput): TotalOccupancy {
  const { tasks, running, slots, pauses = [], trials, buckets, dependencies = new Map(), config = DEFAULTS, others,
    reserved = null, now, reading, piledUpBefore: since = null } = input
  const { byTask, priorities, taken, critical, background, paced } = countsOf({ tasks, running, others, config, since })
  const reserve = config.scheduling.max_concurrent_tasks.critical
  const inReserve = Math.min(critical, reserve)
  return {
    byTask,
    occupancy: {
      free: Math.max(0, slots - (taken - inReserve)),
      slots,
      reserve: { free: reserve - inReserve, slots: reserve },
      priorities,
      background,
      pauses,
      dependencies,
      inUse: inUseBy(running, buckets, others),
      reserved,
      known: tasks,
      tried: triedIn(running, config.manager.crash_cap, now),
      ...trials && { trials },
      doubted: now < (input.doubtedUntil ?? -Infinity),
      pace: since === null ? null : paceOf({ since, cores: reading?.cpu.cores ?? 1, taken: paced, now })
    }
  }
}

/** The snapshot to judge runs by, from the input and its occupancy. */
export function snapshotAt (facts: AdmissionInput, { occupancy }: Pick<TotalOccupancy, 'occupancy'>): Snapshot {
  const { now, reading = unknownReading(now), hysteresis = null, config = DEFAULTS } = facts
  return snapshotOf({ reading, hysteresis, config, now, occupancy: { ...occupancy, active: 0 } })
}

/** The run with its task and the number of that task's running runs, to be judged by a snapshot. */
export const subjectOf = (
  { tasks }: Pick<AdmissionInput, 'tasks'>,
  { byTask }: Pick<TotalOccupancy, 'byTask'>,
  run: Waiting
): Subject => ({ task: tasks.get(run.task), run, active: byTask.get(run.task) ?? 0 })

/** The verdicts on the runs, in their order. */
export function verdictsOn (facts: AdmissionInput, runs: readonly Waiting[]): Verdict[] {
  const total = occupancyOf(facts)
  const snapshot = snapshotAt(facts, total)
  return runs.map(run => verdictIn(snapshot, subjectOf(facts, total, run)))
}

/** The verdict on one run. */
export const verdictOn = (facts: AdmissionInput, run: Waiting): Verdict => verdictsOn(facts, [run])[0]!
