import { clamped } from '../base/clock.ts'
import { milliseconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { OnDeadline } from '../task/constraint.ts'
import type { NewRun, Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'

/** Until when a run may be held, epoch ms, and what becomes of it then. */
export interface Deadline { at: number, on_deadline: OnDeadline }

/** The deadline of a run: counted from when it is due, or from when it was made when that was later, as for a fire that was missed. */
export const deadlineOf = ({ deadlineMs, on_deadline }: Pick<Task, 'deadlineMs' | 'on_deadline'>, { due_at: due, created_at: made = due }: Pick<Run, 'due_at'> & { created_at?: number }): Deadline =>
  ({ at: clamped(Math.max(due, made) + deadlineMs), on_deadline })

/** What a new run that is due then says of its deadline. */
export function deadlineFor (task: Pick<Task, 'deadlineMs' | 'on_deadline'>, due_at: number, now: number): Pick<NewRun, 'deadline_at' | 'expires'> {
  const { at, on_deadline: then } = deadlineOf(task, { due_at, created_at: now })
  return { deadline_at: at, ...then !== 'run' && { expires: true } }
}

/** How far limits have given way, 0 to 1: nothing up to `scheduling.relax_from` of the time to the deadline, then evenly to all of it. */
export function relaxation ({ deadline, lengthMs, now, from }: { deadline: number, lengthMs: number, now: number, from: number }): number {
  if (now >= deadline) return 1
  const passed = lengthMs <= 0 ? 1 : 1 - (deadline - now) / lengthMs
  return from >= 1 ? 0 : Math.min(1, Math.max(0, (passed - from) / (1 - from)))
}

/** An upper limit that has given way towards `end`. */
export const relaxedUp = (limit: number, relaxed: number, end = 1): number => limit >= end ? limit : limit + (end - limit) * relaxed

/** A lower limit that has given way towards `end`. */
export const relaxedDown = (limit: number, relaxed: number, end = 0): number => limit <= end ? limit : limit - (limit - end) * relaxed

/** When each priority was last started, epoch ms; absent: never since the start of the process, which `since` is. */
export interface Turns { since: number, started: Partial<Record<Run['priority'], number>> }

/** The lower priorities whose turn has come, the one that waited longest first. One run of each goes ahead of the more urgent ones, which is the
 *  guarantee: while runs are started at all, each lower priority that has one due starts one at least every scheduling.aging. */
export function agedPriorities ({ since, started }: Turns, config: Pick<Config, 'scheduling'>, now: number): ('normal' | 'low')[] {
  const lastOf = (priority: 'normal' | 'low') => started[priority] ?? since
  const every = milliseconds(config.scheduling.aging)
  return (['low', 'normal'] as const).filter(priority => now - lastOf(priority) >= every).toSorted((a, b) => lastOf(a) - lastOf(b))
}
