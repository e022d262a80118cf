import { clamped } from '../base/clock.ts'
import { milliseconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { OnDeadline } from '../task/constraint.ts'
import type { NewRun, Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'

/** Until when a run may be held, epoch ms, and what happens then. `lengthMs`: the whole time. */
export interface Deadline {
  at: number
  on_deadline: OnDeadline
  lengthMs: number
}

type Dated = Pick<Run, 'due_at'> & Partial<Pick<Run, 'created_at' | 'nominal_at' | 'deadline_at' | 'attempt'>>

/** The deadline of a run: its own, which it keeps through retries, else counted from when it is due or, if later, was
 *  created, as for a missed fire. */
export function deadlineOf (
  { deadlineMs, on_deadline }: Pick<Task, 'deadlineMs' | 'on_deadline'>,
  run: Dated
): Deadline {
  const { due_at: due, created_at: made = due, nominal_at: nominal = due, attempt = 0 } = run
  const at = run.deadline_at ?? clamped(Math.max(due, made) + deadlineMs)
  // A retry moves `due_at`, but the run has waited since `nominal_at`.
  return { at, on_deadline, lengthMs: Math.max(0, at - Math.max(attempt > 0 ? nominal : due, made)) }
}

/** The fields of a new run that follow from its deadline. */
export function deadlineFor (
  task: Pick<Task, 'deadlineMs' | 'on_deadline' | 'on_unmet'>,
  due_at: number,
  now: number
): Pick<NewRun, 'deadline_at' | 'expires' | 'single'> {
  const { at, on_deadline: then } = deadlineOf(task, { due_at, created_at: now })
  // `on_unmet: skip` depends on how far the limits of this run are relaxed.
  return { deadline_at: at, ...then !== 'run' && { expires: true }, ...task.on_unmet === 'skip' && { single: true } }
}

/** `deadline`, `now`: epoch ms. `lengthMs`: how long a run may be held in all. `from`: scheduling.relax_from. */
interface RelaxAsk {
  deadline: number
  lengthMs: number
  now: number
  from: number
}

// Tolerance for sums of fractions.
const NEARLY = 1e-9

/** Limits relax in this many steps. */
const STEPS = 20

/** How far limits are relaxed, 0 to 1: 0 up to `scheduling.relax_from` of the time to the deadline, then step by step
 *  to 1. */
export function relaxation ({ deadline, lengthMs, now, from }: RelaxAsk): number {
  if (now >= deadline) return 1
  const passed = lengthMs <= 0 ? 1 : 1 - (deadline - now) / lengthMs
  return from >= 1 ? 0 : Math.max(0, Math.floor(STEPS * (passed - from) / (1 - from) + NEARLY)) / STEPS
}

/** When limits relax by the next step, epoch ms; the deadline if that comes first, null after it. */
export function nextRelaxation ({ deadline, lengthMs, now, from }: RelaxAsk): number | null {
  if (now >= deadline) return null
  if (from >= 1 || lengthMs <= 0) return deadline
  const begins = deadline - lengthMs * (1 - from)
  const step = lengthMs * (1 - from) / STEPS
  const taken = Math.floor((now - begins) / step + NEARLY)
  return Math.min(deadline, Math.ceil(begins + Math.max(1, taken + 1) * step))
}

/** An upper limit relaxed towards `end`. */
export const relaxedUp = (limit: number, relaxed: number, end = 1): number =>
  limit >= end ? limit : limit + (end - limit) * relaxed

/** A lower limit relaxed towards `end`. */
export const relaxedDown = (limit: number, relaxed: number, end = 0): number =>
  limit <= end ? limit : limit - (limit - end) * relaxed

/** When a run of each priority last went ahead of more urgent ones, epoch ms. */
export type Turns = Partial<Record<Run['priority'], number>>

/** The priorities that age. */
export const AGING = ['critical', 'high', 'normal', 'low'] as const
export type Aging = typeof AGING[number]

/** The priorities whose turn has come, longest waiting first. The longest waiting run of each goes ahead of all others.
 *  This guarantees that one run of each priority that may start does so at least every `scheduling.aging`. `due`: when
 *  the first run that may start was due, by priority. */
export function agedPriorities (
  turns: Turns,
  due: Partial<Record<Aging, number>>,
  { config, now }: { config: Pick<Config, 'scheduling'>, now: number }
): Aging[] {
  const every = milliseconds(config.scheduling.aging)
  const since = (priority: Aging) => Math.max(turns[priority] ?? -Infinity, due[priority]!)
  return AGING.filter(priority => due[priority] !== undefined && now - since(priority) >= every).toSorted((a, b) =>
    since(a) - since(b)
  )
}
