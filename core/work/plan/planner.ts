import { comingFires, saysSame } from '../../model/schedule/schedule.ts'
import { compileTrigger } from '../../model/trigger.ts'
import { deadlineFor } from '../../model/gates/relax.ts'
import { decideFires } from '../../model/schedule/misfire.ts'
import { SECOND } from '../../model/base/duration.ts'
import { Timetable } from './timetable.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine, PlanAsk, Planned } from '../../engine/engine.ts'
import type { Entry } from './timetable.ts'
import type { Fire } from '../../model/schedule/misfire.ts'
import type { Json } from '../../model/base/json.ts'
import type { Listener } from '../../model/notice.ts'
import type { Moved, NewRun, Reason, Run } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'
import type { Trigger } from '../../model/trigger.ts'

/** What the engine is asked to write, and the trigger of what is written. */
interface Plan { ask: PlanAsk, trigger: Trigger }

/** What a schedule made at run time asks for. */
export interface ScheduleAsk { id: string, task: string, trigger: string, trigger_args: Record<string, Json>, timezone: string, payload: Json, by: string }

export interface PlannerOptions {
  engine: Engine
  clock: Clock
  random: () => number
  notice: Listener
  tasks: () => ReadonlyMap<string, Task>
  /** Where a fire is moved within the flex of its task; `next` is the fire after it. */
  move: (task: Task, nominal: number, next: number | null) => { at: number, moved: Moved } | null
  /** So long before its instant a fire becomes a run that is due then; absent: at its instant. */
  leadMs?: number
  /** Told of a running run whose place a later fire takes. */
  replaced: (run: Run) => void
}

/** So many are written at once: those that fire hold up what is due meanwhile. */
const PLAN_BATCH = 5000
const FIRE_BATCH = 500

/** Keeps every schedule's next fire, and turns fires into runs. */
export class Planner {
  readonly #options: PlannerOptions
  readonly #table: Timetable
  #queue: Promise<unknown> = Promise.resolve()
  /** The sync that has not begun yet. */
  #waiting: Promise<void> | null = null

  constructor (options: PlannerOptions) {
    this.#options = options
    this.#table = new Timetable(options.leadMs)
  }

  /** The next instant at which something fires, or null. */
  get nextAt (): number | null {
    return this.#table.nextAt
  }

  /** The next instant at which `fire` has something to do, or null. */
  get wakeAt (): number | null {
    return this.#table.wakeAt
  }

  get schedules (): Schedule[] {
    return Array.from(this.#table.all, ({ schedule }) => schedule)
  }

  /** Every schedule with its trigger. */
  get planned (): { schedule: Schedule, trigger: Trigger }[] {
    return [...this.#table.all]
  }

  /** The schedule with an id. */
  get (id: string): Schedule | undefined {
    return this.#table.get(id)?.schedule
  }

  /** The schedules of one task. */
  of (task: string): Schedule[] {
    return this.#table.of(task).map(({ schedule }) => schedule)
  }

  /** The next instants at which the schedules of a task fire, see `comingFires`. */
  fires (task: Task, count: number): number[] {
    return comingFires({ schedules: this.of(task.id), task, now: this.#options.clock.now(), count })
  }

  /** Reads what the engine has. A row whose trigger no longer compiles is kept and does not fire. */
  async load (): Promise<void> {
    for (const schedule of await this.#options.engine.schedules()) {
      try {
        this.#table.set({ schedule, trigger: compileTrigger(schedule, schedule.anchor) })
      } catch {
        this.#table.set({ schedule: { ...schedule, next_at: null, nominal_at: null }, trigger: NEVER })
      }
    }
  }

  /** Brings the schedules in line with the tasks: new and changed triggers begin now, those of disabled or vanished tasks rest. Calls that wait for
   *  their turn are one. */
  sync (): Promise<void> {
    return this.#waiting ??= this.#serial(() => {
      this.#waiting = null
      return this.#sync()
    })
  }

  async #sync (): Promise<void> {
    const tasks = this.#options.tasks()
    const now = this.#options.clock.now()
    const plans: Plan[] = []
    for (const task of tasks.values()) {
      const plan = this.#follow(task, now)
      if (plan !== null) plans.push(plan)
    }
    for (const entry of this.#table.all) {
      const plan = this.#restOrWake(entry, tasks.get(entry.schedule.task), now)
      if (plan !== null) plans.push(plan)
    }
    await this.#plan(plans)
    for (const { ask: { schedule } } of plans) if (tasks.get(schedule.task)?.enabled === false) await this.#cancelWaiting(schedule.id, now)
  }

  /** What a schedule had asked for is not to start once its task is disabled; each run keeps a row that says so. */
  async #cancelWaiting (schedule: string, now: number): Promise<void> {
    const { engine, notice } = this.#options
    for (const { id } of (await engine.list({ schedule, state: ['queued', 'blocked'], limit: 200 })).items) {
      const run = await engine.cancel({ id, reason: DISABLED, now })
      if (run) notice({ kind: 'cancelled', run, reason: DISABLED })
    }
  }

  /** Fires everything that is due, or will be within the lead. */
  fire (): Promise<void> {
    return this.#serial(async () => {
      const now = this.#options.clock.now()
      for (let due = this.#table.take(now); due.length > 0; due = this.#table.take(now)) {
        await this.#plan(due.map(entry => this.#fires(entry, now)), FIRE_BATCH).catch(error => {
          // What was taken out must come round again, or a full disk would end a schedule for good.
          for (const { schedule: { id } } of due) this.#table.wait(id)
          throw error
        })
      }
    })
  }

  /** Adds a schedule at run time, which rests while its task is disabled; resolves when it is durable. */
  async add ({ by, ...rest }: ScheduleAsk): Promise<Schedule> {
    const now = this.#options.clock.now()
    const fresh = this.#fresh({ ...rest, origin: 'api', created_at: now, created_by: by }, now)
    const plan = this.#options.tasks().get(rest.task)?.enabled ? fresh : { ...fresh, ask: { ...fresh.ask, schedule: rested(fresh.ask.schedule) } }
    await this.#serial(() => this.#plan([plan]))
    return this.#table.get(rest.id)!.schedule
  }

  /** Removes a schedule; false when there is none. */
  async remove (id: string): Promise<boolean> {
    return await this.#serial(async () => {
      const removed = await this.#options.engine.unplan(id)
      this.#table.delete(id)
      return removed
    })
  }

  /** The schedule of a definition that is new or says something else. */
  #follow (task: Task, now: number): Plan | null {
    if (task.trigger === null || !task.enabled) return null
    const { id, trigger, trigger_args: args, timezone } = task
    const known = this.#table.get(id)?.schedule
    if (known?.origin === 'file' && isSame(known, task)) return null
    return this.#fresh({ id, task: id, origin: 'file', trigger, trigger_args: args, timezone, payload: null, created_at: now, created_by: 'file' }, now)
  }

  /** A disabled or vanished task's schedule rests: what falls into that time was not due. */
  #restOrWake ({ schedule, trigger }: Entry, task: Task | undefined, now: number): Plan | null {
    const wanted = task !== undefined && task.enabled && (schedule.origin === 'api' || task.trigger !== null)
    const resting = schedule.next_at === null
    if (wanted !== resting) return null
    if (!wanted) return writing(rested(schedule), trigger, { from: schedule.cursor, now })
    if (schedule.origin === 'file' && !isSame(schedule, task as Task)) return null
    if (trigger.next(schedule.cursor) === null) return null
    return writing(this.#next(schedule, trigger, Math.max(schedule.cursor, now)), trigger, { from: schedule.cursor, now })
  }

  #fresh (row: Omit<Schedule, 'anchor' | 'cursor' | 'nominal_at' | 'next_at' | 'moved'>, now: number): Plan {
    const trigger = compileTrigger(row, now)
    // A date that lies in the past at first sight is still a fire: within the grace it runs, else it is recorded.
    const first = trigger.kind === 'date' ? trigger.next(-8.64e15) : null
    const cursor = first === null ? now : Math.min(now, first - 1)
    const { id, task, origin, trigger: kind, trigger_args: args, timezone, payload, created_at: at, created_by: by } = row
    const schedule = { id, task, origin, trigger: kind, trigger_args: args, timezone, payload, anchor: now, cursor, nominal_at: null, next_at: null, moved: null, created_at: at, created_by: by }
    return writing(this.#next(schedule, trigger, cursor), trigger, { from: null, now })
  }

  /** The schedule with its first fire after `cursor`. */
  #next (schedule: Schedule, trigger: Trigger, cursor: number): Schedule {
    const nominal = trigger.next(cursor)
    if (nominal === null) return { ...schedule, cursor, nominal_at: null, next_at: null, moved: null }
    const task = this.#options.tasks().get(schedule.task)
    const move = task === undefined || task.flexMs === 0 ? null : this.#options.move(task, nominal, trigger.next(nominal))
    if (move !== null) return { ...schedule, cursor, nominal_at: nominal, next_at: Math.min(move.at, trigger.until), moved: move.moved }
    const jitter = trigger.jitter === 0 ? 0 : Math.round(trigger.jitter * SECOND * this.#options.random())
    return { ...schedule, cursor, nominal_at: nominal, next_at: Math.min(nominal + jitter, trigger.until), moved: null }
  }

  #fires ({ schedule, trigger }: Entry, now: number): Plan {
    const task = this.#options.tasks().get(schedule.task)!
    const fresh = schedule.cursor < schedule.anchor
    const at = Math.max(now, schedule.next_at!)
    const { fires, due, cursor } = decideFires({
      trigger, now: at, nominal: schedule.nominal_at!, fireAt: schedule.next_at!,
      policy: fresh ? 'skip' : task.misfire, graceMs: task.misfireGraceMs, maxCatchUp: task.max_catch_up
    })
    if (due > 1 || fires.some(({ late }) => late)) {
      this.#options.notice({ kind: 'missed', task: task.id, schedule: schedule.id, count: due, policy: task.misfire, from: schedule.nominal_at!, to: cursor })
    }
    const runs = fires.map(fire => runOf({ fire, task, schedule, now: at }))
    return { ask: { schedule: this.#next(schedule, trigger, cursor), from: schedule.cursor, fires: runs, overlap: task.overlap, now, early: at > now }, trigger }
  }

  async #plan (plans: readonly Plan[], size = PLAN_BATCH): Promise<void> {
    for (let start = 0; start < plans.length; start += size) {
      const batch = plans.slice(start, start + size)
      const planned = await this.#options.engine.plan(batch.map(({ ask }) => ask))
      for (const [index, plan] of batch.entries()) this.#took(plan, planned[index]!)
    }
  }

  #took ({ ask: { schedule, fires, early }, trigger }: Plan, { applied, added, skipped, coalesced, replaced }: Planned): void {
    // What becomes of it is decided at its instant.
    if (!applied && early) return this.#table.wait(schedule.id, 0)
    if (!applied) return
    this.#table.set({ schedule, trigger })
    if (fires.length === 0) return
    for (const run of added) this.#options.notice({ kind: 'added', run })
    for (const run of replaced) {
      this.#options.notice({ kind: 'cancelled', run, reason: run.cancel ?? run.reason ?? REPLACED })
      this.#options.replaced(run)
    }
    this.#options.notice({ kind: 'fired', task: schedule.task, schedule: schedule.id, added: added.length, skipped: skipped.length, missed: coalesced })
  }

  /** One change at a time: a sync in the middle of a fire would plan from a cursor that is no longer true. */
  #serial<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }
}

/** A schedule without a next fire: what falls into that time was not due. */
const rested = (schedule: Schedule): Schedule => ({ ...schedule, next_at: null, nominal_at: null, moved: null })

const NEVER: Trigger = { kind: 'date', jitter: 0, until: -Infinity, next: () => null, latest: () => null, count: () => 0 }
const REPLACED: Reason = { code: 'replaced', message: 'replaced by a later fire' }
const DISABLED: Reason = { code: 'task_disabled', message: 'its task was disabled while the run waited' }

/** Whether a schedule still says what its definition says. Once that is known to be so they share their arguments, and it is seen at a glance. */
function isSame (schedule: Schedule, task: Task): boolean {
  if (!saysSame(schedule, task)) return false
  schedule.trigger_args = task.trigger_args
  return true
}

const writing = (schedule: Schedule, trigger: Trigger, { from, now }: Pick<PlanAsk, 'from' | 'now'>): Plan =>
  ({ ask: { schedule, from, fires: [], overlap: 'skip', now }, trigger })

interface RunOf { fire: Fire, task: Task, schedule: Schedule, now: number }

function runOf ({ fire, task, schedule, now }: RunOf): NewRun {
  const { moved } = schedule
  const due = fire.at === schedule.nominal_at ? schedule.next_at! : fire.at
  const run: NewRun = {
    task: task.id,
    queue: task.queue,
    priority: task.priority,
    source: fire.late ? 'catch_up' : 'schedule',
    schedule: schedule.id,
    key: `${schedule.id === task.id ? '' : schedule.id}@${fire.at}`,
    due_at: due,
    ...deadlineFor(task, due, now),
    ...due !== fire.at && moved ? { moved } : {},
    nominal_at: fire.at,
    max_retries: task.max_retries,
    missed: fire.missed,
    payload: schedule.payload ?? task.payload
  }
  if (fire.run) return run
  return { ...run, skipped: { code: 'misfire', message: `missed by more than the grace of ${task.misfireGraceMs / SECOND} s; the policy is ${task.misfire}` } }
}
