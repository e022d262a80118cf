import { isDeepStrictEqual } from 'node:util'
import { Reconciler } from './reconcile.ts'
import { ScheduleFaults } from './faults.ts'
import { Timetable } from './timetable.ts'
import { comingFires } from '../../model/schedule/schedule.ts'
import { aheadOf, earliest } from '../../model/base/clock.ts'
import { failureOf } from '../../model/run/failure.ts'
import { Writer } from './writer.ts'
import { changedEntry, newEntry, withoutFire } from './schedule-entry.ts'
import { firingOf } from './fires.ts'
import { readEntry } from './stored.ts'
import type { Chance, Move } from './next-fire.ts'
import type { ScheduleChange } from './schedule-entry.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine, AuditNote } from '../../engine/engine.ts'
import type { Entry } from './timetable.ts'
import type { Json } from '../../model/json/json.ts'
import type { Listener } from '../../model/notice.ts'
import type { Plan } from './writer.ts'
import type { Run } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { ScheduleFault } from './faults.ts'
import type { Task } from '../../model/task/task.ts'
import type { Trigger } from '../../model/trigger.ts'

/** A schedule to add at run time. */
interface ScheduleAsk {
  id: string
  task: string
  trigger: string
  trigger_args: Record<string, Json>
  timezone: string
  payload: Json
  by: string
  /** The entry of the audit log. */
  record?: AuditNote
}

interface PlannerOptions {
  engine: Engine
  clock: Clock
  random: () => number
  notice: Listener
  tasks: () => ReadonlyMap<string, Task>
  /** Moves a fire within the flex of its task. `next`: the fire after it. */
  move: Move
  /** How long before its instant a fire becomes a run, ms; default 0. */
  leadMs?: number
  /** Called with a running run that a later fire replaces. */
  replaced: (run: Run) => void
}

/** Plans per write. Batches of fires are smaller, because they delay fires that become due during the write. */
const PLAN_BATCH = 5000
const FIRE_BATCH = 500

/** Keeps the next fire of every schedule, and turns fires into runs. A schedule that fails is reported and retried,
 *  without affecting others. */
export class Planner {
  readonly #options: PlannerOptions
  readonly #table: Timetable
  readonly #faults = new ScheduleFaults()
  readonly #writer: Writer
  readonly #reconciler: Reconciler
  #queue: Promise<unknown> = Promise.resolve()
  /** The newest version of a schedule that was read from the engine. */
  #version = 0
  /** The sync that has not begun yet, or null. */
  #waiting: Promise<void> | null = null
  /** The last readings of both clocks. */
  #seen: { wall: number, counted: number } | null = null
  /** When to sync again because a schedule could not be synced. */
  #resyncAt: number | null = null

  constructor (options: PlannerOptions) {
    this.#options = options
    this.#table = new Timetable(options.leadMs)
    const chance: Chance = { random: options.random, move: (task, nominal, next) => this.#move(task, nominal, next) }
    this.#writer = new Writer({
      ...options,
      table: this.#table,
      faults: this.#faults,
      failed: (plan, error) => this.#failed(plan, error)
    })
    this.#reconciler = new Reconciler({
      ...options,
      chance,
      table: this.#table,
      faults: this.#faults,
      writer: this.#writer
    })
  }

  /** The next instant at which something fires, or null. */
  get nextAt (): number | null {
    return this.#table.nextAt
  }

  /** The next instant at which `fire` has something to do, or null. */
  get wakeAt (): number | null {
    return earliest([this.#table.wakeAt, this.#resyncAt])
  }

  get schedules (): Schedule[] {
    return Array.from(this.#table.all, ({ schedule }) => schedule)
  }

  /** Every schedule with its trigger. */
  get planned (): { schedule: Schedule, trigger: Trigger }[] {
    return [...this.#table.all]
  }

  /** The schedules that cannot be read, planned or fired. */
  get faults (): ScheduleFault[] {
    return this.#faults.all
  }

  get (id: string): Schedule | undefined {
    return this.#table.get(id)?.schedule
  }

  /** The schedules of one task, the one of its definition first. */
  of (task: string): Schedule[] {
    return this.#table.of(task).map(({ schedule }) => schedule)
  }

  /** The next fires of a task; see `comingFires`. */
  fires (task: Task, count: number): number[] {
    return comingFires({ schedules: this.of(task.id), task, now: this.#options.clock.now(), count })
  }

  /** Reads the schedules of the engine. A row that cannot be read is kept and reported, and does not fire. */
  async load (): Promise<void> {
    const { engine, clock } = this.#options
    for (const schedule of await engine.schedules()) {
      const { entry, error } = readEntry(schedule, clock.now())
      this.#table.set(entry)
      if (error !== null) this.#reconciler.report(entry.schedule, error, { lasts: true })
    }
    this.#reconciler.recheck()
  }

  /** Reconciles the schedules with the tasks and the clock: new and changed triggers begin now, schedules of disabled
   *  or removed tasks rest, schedules that a clock set back has left in the future are planned again. Waiting calls
   *  share one sync. Rejects when nothing can be stored. */
  sync (): Promise<void> {
    return this.#waiting ??= this.#serial(() => {
      this.#waiting = null
      const now = this.#options.clock.now()
      return this.#sync(now, this.#setBack(now))
    })
  }

  /** Fires everything that is due now or within the lead. */
  fire (): Promise<void> {
    return this.#serial(async () => {
      const now = this.#options.clock.now()
      const backMs = this.#setBack(now)
      if (backMs > 0 || (this.#resyncAt !== null && this.#resyncAt <= now)) await this.#sync(now, backMs)
      for (let due = this.#table.take(now); due.length > 0; due = this.#table.take(now)) {
        await this.#writer.write(due.flatMap(entry => this.#firing(entry, now) ?? []), FIRE_BATCH)
      }
    })
  }

  /** Adds a schedule at run time; resolves when it is durable. It rests while its task is disabled. */
  async add ({ by, record, ...rest }: ScheduleAsk): Promise<Schedule> {
    const now = this.#options.clock.now()
    await this.#serial(async () => {
      const begun = newEntry({ ...rest, origin: 'api', created_by: by }, now, this.#reconciler.chanceFor(rest.task))
      const entry = this.#options.tasks().get(rest.task)?.enabled === false ? withoutFire(begun) : begun
      const plan = this.#reconciler.planOf(entry, null, now)
      await this.#writer.writeOne({ ...plan, ask: { ...plan.ask, ...record && { record } } })
    })
    return this.#table.get(rest.id)!.schedule
  }

  /** Changes a schedule in place; resolves when that is durable, and to null when there is no such schedule. What is
   *  due fires first. Rejects with what `changeOf` throws, and when another owner of the store has changed the
   *  schedule. */
  async change (
    id: string,
    changeOf: (schedule: Schedule) => ScheduleChange,
    record: AuditNote
  ): Promise<Schedule | null> {
    return await this.#serial(async () => {
      const now = this.#options.clock.now()
      const due = this.#table.get(id)
      if ((due?.schedule.next_at ?? Infinity) <= now) {
        await this.#writer.write([this.#firing(due!, now) ?? []].flat(), 1)
      }
      const entry = this.#table.get(id)
      if (entry === undefined) return null
      const { schedule } = entry
      const changed = changedEntry(changeOf(schedule), { entry, now, ...this.#reconciler.chanceFor(schedule.task) })
      const plan = this.#reconciler.planOf(changed, this.#writer.fromOf(schedule), now)
      await this.#writer.writeOne({ ...plan, ask: { ...plan.ask, record } })
      return this.#table.get(id)!.schedule
    })
  }

  /** Reads what other owners of the store have changed. */
  follow (): Promise<void> {
    return this.#serial(async () => {
      const { engine, clock } = this.#options
      for (const { version, removed, ...schedule } of await engine.schedules({ since: this.#version })) {
        this.#version = Math.max(this.#version, version)
        if (removed) this.#table.delete(schedule.id)
        else if (!isDeepStrictEqual(this.#table.get(schedule.id)?.schedule, schedule)) {
          this.#table.set(readEntry(schedule, clock.now()).entry)
        }
      }
    })
  }

  /** Removes a schedule. Resolves to false when there is none. */
  async remove (id: string, record?: AuditNote): Promise<boolean> {
    return await this.#serial(async () => {
      const { engine, clock } = this.#options
      const removed = await engine.unplan({ id, now: clock.now(), ...record && { record } })
      this.#table.delete(id)
      this.#faults.mend(id)
      return removed
    })
  }

  /** How far the wall clock was set back since the last call, ms; 0 when it was not. */
  #setBack (now: number): number {
    const counted = this.#options.clock.monotonic()
    const before = this.#seen
    this.#seen = { wall: now, counted }
    // Monotonic time has fractions of a millisecond, instants have none.
    return before === null ? 0 : aheadOf(before.wall + Math.round(counted - before.counted), now)
  }

  async #sync (now: number, backMs: number): Promise<void> {
    if (backMs > 0) this.#reconciler.recheck()
    this.#resyncAt = null
    // The second write depends on the first.
    await this.#writer.write(this.#reconciler.ahead(now, backMs), PLAN_BATCH)
    await this.#writer.write(this.#reconciler.plans(now), PLAN_BATCH)
    await this.#reconciler.cancelResting(now)
    this.#resyncAt = earliest([this.#resyncAt, this.#reconciler.retryAt])
  }

  /** The plan of a fire; null when the schedule fails, which is reported. */
  #firing (entry: Entry, now: number): Plan | null {
    const { schedule, trigger } = entry
    try {
      const task = this.#options.tasks().get(schedule.task)
      if (task === undefined) throw new Error(`its task '${schedule.task}' is gone`)
      const { runs, missed, ...firing } = firingOf({ ...this.#reconciler.chanceFor(task.id), entry, task, now })
      const from = this.#writer.fromOf(schedule)
      if (missed !== null) {
        this.#options.notice({ kind: 'missed', task: task.id, schedule: schedule.id, policy: task.misfire, ...missed })
      }
      return {
        ask: { schedule: firing.schedule, from, fires: runs, overlap: task.overlap, now, early: firing.early },
        trigger
      }
    } catch (error) {
      const { retry_at: at } = this.#reconciler.report(schedule, error)
      this.#table.waitUntil(schedule.id, at)
      return null
    }
  }

  /** Retries a plan that could not be written: a fire with the next `fire`, others with the next sync. */
  #failed ({ ask: { schedule, fires } }: Plan, error: unknown): void {
    const { retry_at: at } = this.#reconciler.report(schedule, error)
    if (fires.length > 0) this.#table.waitUntil(schedule.id, at)
    else this.#resyncAt = earliest([this.#resyncAt, at])
  }

  /** Like `options.move`, but returns null when that throws. */
  #move (task: Task, nominal: number, next: number | null): ReturnType<Move> {
    try {
      const moved = this.#options.move(task, nominal, next)
      return moved !== null && Number.isFinite(moved.at) ? moved : null
    } catch (error) {
      this.#options.notice({
        kind: 'schedule_failed',
        task: task.id,
        schedule: task.id,
        failures: 1,
        retry_at: null,
        error: failureOf(error)
      })
      return null
    }
  }

  /** Serializes changes: a sync during a fire would plan from an outdated cursor. */
  #serial<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }
}
