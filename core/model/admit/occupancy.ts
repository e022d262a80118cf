import { inUseBy } from '../gates/occupancy.ts'
import { classify } from '../gates/classify.ts'
import { defaultsOf } from '../config/config.ts'
import { isPaced, paceOf } from '../gates/pace.ts'
import { snapshotOf, verdictIn } from '../gates/evaluate.ts'
import { TRIED_MS, isSuspect } from '../run/crash-suspect.ts'
import { unknownReading } from '../machine/reading.ts'
import { urgencyOf } from '../gates/urgency.ts'
import type { Bucket } from '../config/queue.ts'
import type { Snapshot } from '../gates/evaluate.ts'
import type { Others, Running } from '../gates/occupancy.ts'
import type { Conditions, Occupancy, Reservation, Subject, Verdict, Waiting } from '../gates/gate.ts'
import type { DependencyState } from '../gates/dependency-state.ts'
import type { Priority, Source } from '../run/run.ts'
import type { Task } from '../task/task.ts'

/** A run that this process executes. `resting`: it has given its slot away for a while, and keeps its queue and its
 *  locks. */
export interface ActiveRun extends Running {
  priority: Priority
  source: Source
  due_at: number
  started_at: number
  resting: boolean
  crashes?: number
}

/** Everything that decides verdicts, apart from the runs. Conditions that are absent: a machine without sensors, the
 *  default configuration, no pauses. */
export interface AdmissionInput extends Partial<Conditions> {
  tasks: ReadonlyMap<string, Task>
  running: readonly ActiveRun[]
  others?: Others
  /** Starts that queues with a rate have left. */
  buckets?: ReadonlyMap<string, Bucket>
  /** What the tasks have done that others depend on. */
  dependencies?: ReadonlyMap<string, DependencyState>
  slots: number
  now: number
  /** Scheduled runs that were due before have piled up, epoch ms; null or absent: nothing has. */
  piledUpBefore?: number | null
  /** The run that waits to be alone. */
  reserved?: Reservation | null
  /** Until when the clock is not believed, epoch ms by that clock: it was set forward by much. Absent: it is. */
  doubtedUntil?: number
}

const DEFAULTS = defaultsOf()

/** What runs, counted. `byTask` counts the runs of all owners. */
export interface TotalOccupancy {
  occupancy: Omit<Occupancy, 'active'>
  byTask: ReadonlyMap<string, number>
}

/** The suspect of a crash that has not run for long yet. */
function triedIn (running: readonly ActiveRun[], cap: number, now: number): Occupancy['tried'] {
  const found = running.find(run => isSuspect(run, cap) && now - run.started_at < TRIED_MS)
  return found === undefined ? null : { task: found.task, until: found.started_at + TRIED_MS }
}

/** Counts what runs. Critical runs fill the slots that are for them alone first. */
export function occupancyOf (facts: AdmissionInput): TotalOccupancy {
  const { tasks, running, slots, pauses = [], trials, buckets, dependencies = new Map(), config = DEFAULTS, others,
    reserved = null } = facts
  const byTask = new Map(Object.entries(others?.tasks ?? {}))
  const priorities: Partial<Record<Priority, number>> = {}
  let [taken, critical, background, paced] = [0, 0, 0, 0]
  const since = facts.piledUpBefore ?? null
  for (const run of running) {
    if (run.resting) continue
    const task = tasks.get(run.task)
    const kind = task === undefined ? 'normal' : classify(task, config).class
    const urgency = urgencyOf({ run, task, class: kind })
    byTask.set(run.task, (byTask.get(run.task) ?? 0) + 1)
    priorities[urgency] = (priorities[urgency] ?? 0) + 1
    taken += 1
    if (urgency === 'critical') critical += 1
    if (kind === 'background') background += 1
    if (since !== null && urgency !== 'critical' && run.started_at >= since && isPaced({ since }, run)) paced += 1
  }
  const reserve = config.scheduling.max_concurrent_tasks.critical
  const aside = Math.min(critical, reserve)
  const { now, reading } = facts
  return {
    byTask,
    occupancy: {
      free: Math.max(0, slots - (taken - aside)),
      slots,
      reserve: { free: reserve - aside, slots: reserve },
      priorities,
      background,
      pauses,
      dependencies,
      inUse: inUseBy(running, buckets, others),
      reserved,
      known: tasks,
      tried: triedIn(running, config.manager.crash_cap, now),
      ...trials && { trials },
      doubted: now < (facts.doubtedUntil ?? -Infinity),
      pace: since === null ? null : paceOf({ since, cores: reading?.cpu.cores ?? 1, taken: paced, now })
    }
  }
}

/** A snapshot of the input. */
export function snapshotAt (facts: AdmissionInput, { occupancy }: Pick<TotalOccupancy, 'occupancy'>): Snapshot {
  const { now, reading = unknownReading(now), hysteresis = null, config = DEFAULTS } = facts
  return snapshotOf({ reading, hysteresis, config, now, occupancy: { ...occupancy, active: 0 } })
}

/** A run to be judged by a snapshot. */
export const subjectOf = (
  { tasks }: Pick<AdmissionInput, 'tasks'>,
  { byTask }: Pick<TotalOccupancy, 'byTask'>,
  run: Waiting
): Subject => ({ task: tasks.get(run.task), run, active: byTask.get(run.task) ?? 0 })

/** The verdicts on runs as things stand. */
export function verdictsOn (facts: AdmissionInput, runs: readonly Waiting[]): Verdict[] {
  const total = occupancyOf(facts)
  const snapshot = snapshotAt(facts, total)
  return runs.map(run => verdictIn(snapshot, subjectOf(facts, total, run)))
}

/** The verdict on one run as things stand. */
export const verdictOn = (facts: AdmissionInput, run: Waiting): Verdict => verdictsOn(facts, [run])[0]!
