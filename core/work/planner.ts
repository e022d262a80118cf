import { createHash } from 'node:crypto'
import { compileTrigger } from '../model/trigger.ts'
import { decideFires } from '../model/misfire.ts'
import { SECOND } from '../model/duration.ts'
import { Heap } from './heap.ts'
import type { Clock } from '../model/clock.ts'
import type { Engine, PlanAsk, Planned } from '../engine/engine.ts'
import type { Fire } from '../model/misfire.ts'
import type { Json } from '../model/json.ts'
import type { Listener } from '../model/notice.ts'
import type { Moved, NewRun, Reason, Run } from '../model/run.ts'
import type { Schedule } from '../model/schedule.ts'
import type { Task } from '../model/task.ts'
import type { Trigger } from '../model/trigger.ts'

interface Entry { schedule: Schedule, trigger: Trigger, moved: Moved | null }

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
  /** Told of a running run whose place a later fire takes. */
  replaced: (run: Run) => void
}

const PLAN_BATCH = 1000

/** Keeps every schedule's next fire, and turns fires into runs. */
export class Planner {
  readonly #options: PlannerOptions
  readonly #entries = new Map<string, Entry>()
  readonly #heap = new Heap()
  #queue: Promise<unknown> = Promise.resolve()

  constructor (options: PlannerOptions) {
    this.#options = options
  }

  /** The next instant at which something fires, or null. */
  get nextAt (): number | null {
    return this.#heap.first
  }

  get schedules (): Schedule[] {
    return [...this.#entries.values()].map(({ schedule }) => schedule)
  }

  /** Every schedule with its trigger. */
  get planned (): { schedule: Schedule, trigger: Trigger }[] {
    return [...this.#entries.values()]
  }

  /** The schedules of one task. */
  of (task: string): Schedule[] {
    const own = this.#entries.get(task)?.schedule
    const made = this.#made.get(task) ?? new Set()
    return [...own?.origin === 'file' ? [own] : [], ...[...made].map(id => this.#entries.get(id)!.schedule)]
  }

  readonly #made = new Map<string, Set<string>>()

  /** Reads what the engine has. A row whose trigger no longer compiles is kept and does not fire. */
  async load (): Promise<void> {
    for (const schedule of await this.#options.engine.schedules()) {
      try {
        this.#keep(schedule, compileTrigger(schedule, schedule.anchor))
      } catch {
        this.#keep({ ...schedule, next_at: null, nominal_at: null }, NEVER)
      }
    }
  }

  /** Brings the schedules in line with the tasks: new and changed triggers begin now, those of disabled or vanished tasks rest. */
  sync (): Promise<void> {
    return this.#serial(async () => {
      const tasks = this.#options.tasks()
      const now = this.#options.clock.now()
      const asks: PlanAsk[] = []
      for (const task of tasks.values()) asks.push(...this.#askFor(task, now))
      for (const { schedule } of this.#entries.values()) asks.push(...this.#restOrWake(schedule, tasks.get(schedule.task), now))
      await this.#plan(asks)
      for (const { schedule } of asks) if (tasks.get(schedule.task)?.enabled === false) await this.#cancelWaiting(schedule.id, now)
    })
  }

  /** What a schedule had asked for is not to start once its task is disabled; each run keeps a row that says so. */
  async #cancelWaiting (schedule: string, now: number): Promise<void> {
    const { engine, notice } = this.#options
    for (const { id } of (await engine.list({ schedule, state: ['queued', 'blocked'], limit: 200 })).items) {
      const run = await engine.cancel({ id, reason: DISABLED, now })
      if (run) notice({ kind: 'cancelled', run, reason: DISABLED })
    }
  }

  /** Fires everything that is due. */
  fire (): Promise<void> {
    return this.#serial(async () => {
      const now = this.#options.clock.now()
      for (let ids = this.#heap.take(now); ids.length > 0; ids = this.#heap.take(now)) {
        const asks = ids.map(id => this.#fires(this.#entries.get(id)!, now))
        await this.#plan(asks).catch(error => {
          // What was taken out must come round again, or a full disk would end a schedule for good.
          for (const id of ids) this.#heap.set(id, this.#entries.get(id)?.schedule.next_at ?? null)
          throw error
        })
      }
    })
  }

  /** Adds a schedule at run time; resolves when it is durable. */
  async add (ask: ScheduleAsk): Promise<Schedule> {
    const now = this.#options.clock.now()
    const { by, ...rest } = ask
    const schedule = this.#fresh({ ...rest, origin: 'api', created_at: now, created_by: by }, now)
    await this.#serial(() => this.#plan([{ schedule, from: null, fires: [], overlap: 'skip', now }]))
    return this.#entries.get(ask.id)!.schedule
  }

  /** Removes a schedule; false when there is none. */
  async remove (id: string): Promise<boolean> {
    return await this.#serial(async () => {
      const removed = await this.#options.engine.unplan(id)
      this.#drop(id)
      return removed
    })
  }

  #askFor (task: Task, now: number): PlanAsk[] {
    if (task.trigger === null || !task.enabled) return []
    const wanted = { trigger: task.trigger, trigger_args: task.trigger_args, timezone: task.timezone }
    const known = this.#entries.get(task.id)?.schedule
    if (known?.origin === 'file' && known.hash === hashOf(wanted)) return []
    const schedule = this.#fresh({ ...wanted, id: task.id, task: task.id, origin: 'file', payload: null, created_at: now, created_by: 'file' }, now)
    return [{ schedule, from: null, fires: [], overlap: 'skip', now }]
  }

  /** A disabled or vanished task's schedule rests: what falls into that time was not due. */
  #restOrWake (schedule: Schedule, task: Task | undefined, now: number): PlanAsk[] {
    const from = schedule.cursor
    const wanted = task !== undefined && task.enabled && (schedule.origin === 'api' || task.trigger !== null)
    const resting = schedule.next_at === null
    if (!wanted && !resting) return [{ schedule: { ...schedule, next_at: null, nominal_at: null }, from, fires: [], overlap: 'skip', now }]
    if (!wanted || !resting) return []
    const trigger = this.#entries.get(schedule.id)!.trigger
    if (schedule.origin === 'file' && schedule.hash !== hashOf(task as Task)) return []
    if (trigger.next(schedule.cursor) === null) return []
    return [{ schedule: this.#next({ ...schedule, cursor: Math.max(schedule.cursor, now) }, trigger), from, fires: [], overlap: 'skip', now }]
  }

  #fresh (row: Omit<Schedule, 'anchor' | 'cursor' | 'nominal_at' | 'next_at' | 'hash'>, now: number): Schedule {
    const trigger = compileTrigger(row, now)
    // A date that lies in the past at first sight is still a fire: within the grace it runs, else it is recorded.
    const first = trigger.kind === 'date' ? trigger.next(-8.64e15) : null
    const cursor = first === null ? now : Math.min(now, first - 1)
    return this.#next({ ...row, anchor: now, cursor, hash: hashOf(row), nominal_at: null, next_at: null }, trigger)
  }

  #next (schedule: Schedule, trigger: Trigger): Schedule {
    const nominal = trigger.next(schedule.cursor)
    if (nominal === null) return { ...schedule, nominal_at: null, next_at: null }
    const jitter = Math.round(trigger.jitter * SECOND * this.#options.random())
    const at = this.#moveOf(schedule, trigger, nominal)?.at ?? nominal + jitter
    return { ...schedule, nominal_at: nominal, next_at: Math.min(at, trigger.until) }
  }

  #moveOf ({ task: id }: Schedule, trigger: Trigger, nominal: number) {
    const task = this.#options.tasks().get(id)
    return task === undefined || task.flexMs === 0 ? null : this.#options.move(task, nominal, trigger.next(nominal))
  }

  #fires ({ schedule, trigger, moved }: Entry, now: number): PlanAsk {
    const task = this.#options.tasks().get(schedule.task)!
    const fresh = schedule.cursor < schedule.anchor
    const { fires, due, cursor } = decideFires({
      trigger, now, nominal: schedule.nominal_at!, fireAt: schedule.next_at!,
      policy: fresh ? 'skip' : task.misfire, graceMs: task.misfireGraceMs, maxCatchUp: task.max_catch_up
    })
    if (due > 1 || fires.some(({ late }) => late)) {
      this.#options.notice({ kind: 'missed', task: task.id, schedule: schedule.id, count: due, policy: task.misfire, from: schedule.nominal_at!, to: cursor })
    }
    const runs = fires.map(fire => runOf({ fire, task, schedule, moved, now }))
    return { schedule: this.#next({ ...schedule, cursor }, trigger), from: schedule.cursor, fires: runs, overlap: task.overlap, now }
  }

  async #plan (asks: PlanAsk[]): Promise<void> {
    for (let start = 0; start < asks.length; start += PLAN_BATCH) {
      const batch = asks.slice(start, start + PLAN_BATCH)
      const planned = await this.#options.engine.plan(batch)
      for (const [index, ask] of batch.entries()) this.#took(ask, planned[index]!)
    }
  }

  #took ({ schedule, fires }: PlanAsk, { applied, added, skipped, coalesced, replaced }: Planned): void {
    if (!applied) return
    const known = this.#entries.get(schedule.id)
    const same = known?.schedule.hash === schedule.hash && known.schedule.anchor === schedule.anchor
    this.#keep(schedule, same ? known.trigger : compileTrigger(schedule, schedule.anchor))
    if (fires.length === 0) return
    for (const run of added) this.#options.notice({ kind: 'added', run })
    for (const run of replaced) {
      this.#options.notice({ kind: 'cancelled', run, reason: run.cancel ?? run.reason ?? REPLACED })
      this.#options.replaced(run)
    }
    this.#options.notice({ kind: 'fired', task: schedule.task, schedule: schedule.id, added: added.length, skipped: skipped.length, missed: coalesced })
  }

  #keep (schedule: Schedule, trigger: Trigger): void {
    const moved = schedule.nominal_at === null ? null : this.#moveOf(schedule, trigger, schedule.nominal_at)
    this.#entries.set(schedule.id, { schedule, trigger, moved: moved?.at === schedule.next_at ? moved.moved : null })
    this.#heap.set(schedule.id, schedule.next_at)
    if (schedule.origin !== 'api') return
    const made = this.#made.get(schedule.task) ?? new Set()
    this.#made.set(schedule.task, made.add(schedule.id))
  }

  #drop (id: string): void {
    const task = this.#entries.get(id)?.schedule.task
    if (task !== undefined) this.#made.get(task)?.delete(id)
    this.#entries.delete(id)
    this.#heap.set(id, null)
  }

  /** One change at a time: a sync in the middle of a fire would plan from a cursor that is no longer true. */
  #serial<T> (work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work, work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }
}

const NEVER: Trigger = { kind: 'date', jitter: 0, until: -Infinity, next: () => null, latest: () => null, count: () => 0 }
const REPLACED: Reason = { code: 'replaced', message: 'replaced by a later fire' }
const DISABLED: Reason = { code: 'task_disabled', message: 'its task was disabled while the run waited' }

const hashOf = ({ trigger, trigger_args, timezone }: { trigger: string | null, trigger_args: unknown, timezone: string }) =>
  createHash('sha256').update(JSON.stringify([trigger, trigger_args, timezone])).digest('hex').slice(0, 16)

interface RunOf { fire: Fire, task: Task, schedule: Schedule, moved: Moved | null, now: number }

function runOf ({ fire, task, schedule, moved, now }: RunOf): NewRun {
  const due = fire.at === schedule.nominal_at ? schedule.next_at! : fire.at
  const run: NewRun = {
    task: task.id,
    queue: task.queue,
    priority: task.priority,
    source: fire.late ? 'catch_up' : 'schedule',
    schedule: schedule.id,
    key: `${schedule.id === task.id ? '' : schedule.id}@${fire.at}`,
    due_at: due,
    deadline_at: Math.max(due, now) + task.deadlineMs,
    ...due !== fire.at && moved ? { moved } : {},
    nominal_at: fire.at,
    max_retries: task.max_retries,
    missed: fire.missed,
    payload: schedule.payload ?? task.payload
  }
  if (fire.run) return run
  return { ...run, skipped: { code: 'misfire', message: `missed by more than the grace of ${task.misfireGraceMs / SECOND} s; the policy is ${task.misfire}` } }
}
