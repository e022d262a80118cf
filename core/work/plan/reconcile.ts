import { NEVER } from './stored.ts'
import { isAhead, isElapsing, replanned } from './clock-set-back.ts'
import { isOff, nextOf } from './next-fire.ts'
import { newEntry, withoutFire } from './schedule-entry.ts'
import { earliest } from '../../model/base/clock.ts'
import { saysSame } from '../../model/schedule/schedule.ts'
import type { Chance } from './next-fire.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Entry, Timetable } from './timetable.ts'
import type { Listener } from '../../model/notice.ts'
import type { Plan, Writer } from './writer.ts'
import type { Reason } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { ScheduleFault, ScheduleFaults } from './faults.ts'
import type { Task } from '../../model/task/task.ts'

interface ReconcilerOptions {
  engine: Engine
  clock: Clock
  notice: Listener
  tasks: () => ReadonlyMap<string, Task>
  chance: Chance
  table: Timetable
  faults: ScheduleFaults
  writer: Writer
}

const DISABLED: Reason = { code: 'task_disabled', message: 'its task was disabled while the run waited' }
const SLICE = 200

/** True when a schedule matches its definition. Matching ones then share their arguments, which makes the next
 *  comparison fast. */
function isSame (schedule: Schedule, task: Task): boolean {
  if (!saysSame(schedule, task)) return false
  schedule.trigger_args = task.trigger_args
  return true
}

/** Computes the plans that reconcile the schedules with the tasks and the clock. */
export class Reconciler {
  readonly #options: ReconcilerOptions
  /** Resting schedules whose waiting runs are not cancelled yet. */
  readonly #resting = new Set<string>()
  /** Schedules that have failed in this sync. */
  readonly #failed = new Set<string>()
  #isDoubtful = false
  #retryAt: number | null = null

  constructor (options: ReconcilerOptions) {
    this.#options = options
  }

  /** When the next sync must retry the failures of the last one, epoch ms, or null. */
  get retryAt (): number | null {
    return this.#retryAt
  }

  /** Makes the next sync check every schedule, because the clock was set or an earlier process stored them. */
  recheck (): void {
    this.#isDoubtful = true
  }

  chanceFor (task: string): Chance & { task: Task | undefined } {
    return { ...this.#options.chance, task: this.#options.tasks().get(task) }
  }

  planOf ({ schedule, trigger }: Entry, from: number | null, now: number): Plan {
    return { ask: { schedule, from, fires: [], overlap: 'skip', now }, trigger }
  }

  /** Records and reports the failure of a schedule. `lasts`: a retry does not fix it. */
  report (schedule: Pick<Schedule, 'id' | 'task'>, thrown: unknown, { lasts = false } = {}): ScheduleFault {
    const { faults, clock, notice } = this.#options
    const fault = lasts ? faults.noteLasting(schedule, thrown, clock.now()) : faults.note(schedule, thrown, clock.now())
    const { task, failures, retry_at: at, error } = fault
    notice({ kind: 'schedule_failed', task, schedule: schedule.id, failures, retry_at: at, error })
    return fault
  }

  /** Plans after the clock was set back: of schedules that lie in the future, of intervals that count elapsed time, and
   *  of schedules whose next fire does not follow from their cursor. `backMs`: how far the clock was set back, 0 when
   *  that was not observed. */
  ahead (now: number, backMs: number): Plan[] {
    const { table, notice, writer } = this.#options
    const plans: Plan[] = []
    let furthest = 0
    this.#retryAt = null
    for (const entry of table.all) {
      const { schedule } = entry
      const isShifted = backMs > 0 && isElapsing(schedule)
      if (entry.trigger === NEVER || !(isShifted || this.#isWrong(entry, now))) continue
      furthest = Math.max(furthest, backMs, Math.max(schedule.anchor, schedule.cursor) - now)
      const by = { now, backMs, ...this.chanceFor(schedule.task) }
      const plan = this.#tried(schedule, () => this.planOf(replanned(entry, by), writer.fromOf(schedule), now))
      if (plan !== null) plans.push(plan)
    }
    if (this.#isDoubtful) this.#retrySoon(now)
    this.#isDoubtful = false
    if (plans.length > 0 && furthest > 0) {
      notice({ kind: 'replanned', schedules: plans.length, ms: Math.round(furthest) })
    }
    return plans
  }

  /** The plans of new and changed triggers, and of schedules that start or stop resting. */
  plans (now: number): Plan[] {
    const { tasks, table } = this.#options
    const plans: Plan[] = []
    this.#failed.clear()
    const add = (plan: Plan | null) => {
      if (plan !== null) plans.push(plan)
    }
    for (const task of tasks().values()) add(this.#tried({ id: task.id, task: task.id }, () => this.#follow(task, now)))
    const planned = new Set(plans.map(({ ask }) => ask.schedule.id))
    for (const entry of table.all) {
      if (!planned.has(entry.schedule.id)) {
        add(this.#tried(entry.schedule, () => this.#restOrWake(entry, tasks().get(entry.schedule.task), now)))
      }
    }
    this.#forget(plans)
    return plans
  }

  /** Cancels the waiting runs that schedules of disabled tasks have fired. Each run records the reason. */
  async cancelResting (now: number): Promise<void> {
    for (const id of this.#resting) {
      const schedule = this.#options.table.get(id)?.schedule
      try {
        if (schedule !== undefined && this.#options.tasks().get(schedule.task)?.enabled === false) {
          await this.#cancelWaiting(id, now)
        }
        this.#resting.delete(id)
        this.#options.faults.mend(id)
      } catch (error) {
        this.#postpone(schedule!, error)
      }
    }
  }

  async #cancelWaiting (schedule: string, now: number): Promise<void> {
    const { engine } = this.#options
    const { items } = await engine.list({ schedule, state: ['queued', 'blocked'], limit: SLICE })
    for (const { id } of items) await engine.cancel({ id, reason: DISABLED, now })
  }

  #isWrong (entry: Entry, now: number): boolean {
    const { schedule } = entry
    return isAhead(schedule, now) || (this.#isDoubtful && isOff(entry, this.#options.tasks().get(schedule.task)))
  }

  /** Shortens the waits of failed schedules, which were computed with the earlier clock. */
  #retrySoon (now: number): void {
    const { faults, table } = this.#options
    for (const { schedule, retry_at: at } of faults.all) {
      if (at !== null && (table.get(schedule)?.schedule.next_at ?? null) !== null) {
        table.waitUntil(schedule, Math.min(at, now + 1000))
      }
    }
  }

  #tried (schedule: Pick<Schedule, 'id' | 'task'>, plan: () => Plan | null): Plan | null {
    try {
      return plan()
    } catch (error) {
      this.#postpone(schedule, error)
      return null
    }
  }

  #postpone (schedule: Pick<Schedule, 'id' | 'task'>, error: unknown): void {
    this.#failed.add(schedule.id)
    this.#retryAt = earliest([this.#retryAt, this.report(schedule, error).retry_at])
  }

  /** Removes faults that are obsolete: the task is gone or disabled, or its definition matches the stored schedule
   *  again. */
  #forget (plans: readonly Plan[]): void {
    const { faults, table, tasks } = this.#options
    const planned = new Set(plans.map(({ ask }) => ask.schedule.id))
    for (const { schedule: id, task, retry_at: at } of faults.all) {
      const rests = (table.get(id)?.schedule.next_at ?? null) === null
      if (!rests || planned.has(id) || this.#failed.has(id) || this.#resting.has(id)) continue
      if (at !== null || tasks().get(task)?.enabled !== true) faults.mend(id)
    }
  }

  /** The plan of a definition that is new or has changed, or whose stored row cannot be read; else null. */
  #follow (task: Task, now: number): Plan | null {
    if (task.trigger === null || !task.enabled) return null
    const { id, trigger, trigger_args: args, timezone } = task
    const known = this.#options.table.get(id)
    if (known?.schedule.origin === 'file' && known.trigger !== NEVER && isSame(known.schedule, task)) return null
    const row = {
      id,
      task: id,
      origin: 'file',
      trigger,
      trigger_args: args,
      timezone,
      payload: null,
      created_by: 'file'
    } as const
    return this.planOf(newEntry(row, now, this.chanceFor(id)), null, now)
  }

  /** The plan that makes the schedule of a disabled or removed task rest, or wakes a resting one; else null. Fires
   *  while it rests are not missed. */
  #restOrWake (entry: Entry, task: Task | undefined, now: number): Plan | null {
    const { schedule, trigger } = entry
    const wanted = schedule.paused !== true && task !== undefined && task.enabled &&
      (schedule.origin === 'api' || task.trigger !== null)
    if (wanted !== (schedule.next_at === null)) return null
    const from = this.#options.writer.fromOf(schedule)
    if (!wanted) {
      this.#resting.add(schedule.id)
      return this.planOf(withoutFire(entry), from, now)
    }
    if (schedule.origin === 'file' && !isSame(schedule, task as Task)) return null
    if (trigger.next(schedule.cursor) === null) return null
    const woken = nextOf(entry, Math.max(schedule.cursor, now), this.chanceFor(schedule.task))
    return this.planOf({ schedule: woken, trigger }, from, now)
  }
}
