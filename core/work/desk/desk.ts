import { Admission } from './request/admission.ts'
import { Bulk } from './bulk.ts'
import { Dead } from './dead.ts'
import { Queues } from './queues.ts'
import { TaskViews } from './task-views.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { nearest } from '../../model/base/nearest.ts'
import { inputInvalid } from '../../model/errors/input-errors.ts'
import { runConflict, runNotFound } from '../../model/errors/run-errors.ts'
import { scheduleNotFound } from '../../model/errors/request-errors.ts'
import { BUILT_IN_IDS, builtInTasks, isBuiltInId } from '../../model/task/built-in.ts'
import { placeOfBroken } from '../../load/task/broken-file.ts'
import { taskNotFound, taskNotLoaded, taskNotYetKnown, taskOff } from '../../model/errors/task-errors.ts'
import type { BrokenFile } from '../../load/task/broken-file.ts'
import { isAsked, isFinal } from '../../model/run/run.ts'
import { checkAskable, checkBounds, newRun } from './request/enqueue-request.ts'
import { ScheduleChanges } from './schedule-changes.ts'
import type { SchedulePatch } from './schedule-changes.ts'
import { withPointers } from './request/new-runs.ts'
import { requestOf } from './request/keyed-request.ts'
import { passedBy } from '../../model/view/held.ts'
import { scheduleRest, taskRest } from '../../model/schedule/resting.ts'
import type { BuiltInTask } from '../../model/task/built-in.ts'
import type { Added, Engine, KeyedRequest, AuditNote } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { FullRun, NewRun, Run, Source } from '../../model/run/run.ts'
import type { ListAsk, Page, StoredLine } from '../../engine/reports.ts'
import type { Listener } from '../../model/notice.ts'
import type { Passed } from '../../model/view/held.ts'
import type { Planner } from '../plan/planner.ts'
import type { RequestAsk } from './request/keyed-request.ts'
import type { ScheduleRequest } from './request/schedule-request.ts'
import type { RunAsk } from './request/enqueue-request.ts'
import type { Runner } from '../run/runner.ts'
import type { RestingReason } from '../../model/schedule/resting.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Task } from '../../model/task/task.ts'
import type { TaskView } from '../../model/view/task-view.ts'
import type { Verdict } from '../../model/conditions/gate.ts'

interface DeskOptions {
  engine: Engine
  clock: Clock
  notice: Listener
  planner: Planner
  runner: Runner
  conditions: LiveConditions
  tasks: () => ReadonlyMap<string, Task>
  /** Task files whose import has not finished. */
  coming: () => readonly string[]
  /** The fault because of which no task has an id, or null. */
  faultOf: (id: string) => BrokenFile | null
  /** The next id for a schedule made at run time. */
  scheduleId: () => string
  /** The folder of uploaded files. */
  uploads: () => string
}

/** A run that a person requests. `now`: it passes the gates of load, power and comfort; excludes `due_at` and
 *  `delay`. */
export interface RunRequest extends RunAsk {
  now?: boolean
}

/** `passes`: the closed gates that the run passes because of `now`. */
export type Requested = Added & { passes: Passed[] }

function checkImmediate ({ delay, due_at: due }: RunAsk): void {
  const other = delay !== undefined ? 'delay' : due !== undefined ? 'due_at' : null
  if (other !== null) {
    throw inputInvalid({
      what: 'The run was not added',
      errors: [{ pointer: '/now', detail: `cannot be combined with '${other}'` }]
    })
  }
}

/** The requests of people, plugins and tasks: reads tasks, runs and schedules, and adds, cancels and retries runs. */
export class Desk {
  readonly #options: DeskOptions
  readonly #admission: Admission
  readonly #views: TaskViews
  readonly #schedules: ScheduleChanges
  readonly queues: Queues
  readonly bulk: Bulk
  readonly dead: Dead

  constructor (options: DeskOptions) {
    this.#options = options
    this.#admission = new Admission({ ...options, config: () => options.conditions.current.config })
    this.#views = new TaskViews(options)
    this.queues = new Queues(options)
    this.bulk = new Bulk({
      ...options,
      admission: this.#admission,
      definition: id => this.definition(id),
      policy: () => options.conditions.current.config.server
    })
    this.dead = new Dead({ ...options, bulk: this.bulk })
    this.#schedules = new ScheduleChanges({ ...options, definition: id => this.definition(id) })
  }

  /** Every task with its last and next run, ordered by id. */
  async tasks (): Promise<TaskView[]> {
    return await this.#views.of([...this.#options.tasks().values()].toSorted((a, b) => a.id < b.id ? -1 : 1))
  }

  /** The built-in tasks. */
  builtIns (): BuiltInTask[] {
    return builtInTasks(this.#options.tasks())
  }

  /** One task with its last and next run; throws as `definition` does. */
  async task (id: string): Promise<TaskView> {
    return (await this.#views.of([this.definition(id)]))[0]!
  }

  /** Plain text, one line for each task: its status, last run and next run. */
  async report (): Promise<string> {
    const lines = (await this.tasks()).map(({ id, status, last_run: last, next_run: next }) =>
      `${id}: ${status}, last ${last ? `${last.state} at ${last.at}` : 'never'}, next ${next ?? 'not planned'}`
    )
    return lines.join('\n')
  }

  /** The definition in force; throws OFFPEAK_TASK_NOT_FOUND, or OFFPEAK_TASKS_LOADING while task files are still being
   *  imported. */
  definition (id: string): Task {
    const { tasks, coming, faultOf } = this.#options
    const task = tasks().get(id)
    if (task !== undefined) return task
    if (coming().length > 0) throw taskNotYetKnown(id, coming())
    const fault = faultOf(id)
    if (fault !== null) throw taskNotLoaded(id, { ...placeOfBroken(fault), message: fault.message, fix: fault.fix })
    throw isBuiltInId(id) ? taskOff(id) : taskNotFound(id, nearest(id, [...tasks().keys(), ...BUILT_IN_IDS]))
  }

  /** Why no run of a task starts automatically, or null when runs do. */
  rest (task: Task): RestingReason | null {
    const { planner, clock } = this.#options
    return taskRest({ task, schedules: planner.of(task.id), now: clock.now() })
  }

  /** The verdict on a waiting run; null when the run does not wait, or has begun since it was read. */
  verdict (run: Run): Verdict | null {
    const { runner } = this.#options
    return run.state === 'queued' && !runner.active.hasBegun(run) ? runner.verdicts.of(run) : null
  }

  /** Adds one run; resolves when it is durable. Returns the existing run when a run of the task has the same key.
   *  Throws OFFPEAK_INPUT_INVALID, OFFPEAK_QUEUE_FULL. */
  async enqueue (id: string, ask: RunAsk = {}, source: Source = 'manual'): Promise<Added> {
    const now = this.#options.clock.now()
    return await this.#add(newRun({ task: this.definition(id), ask, source, now, uploads: this.#options.uploads() }),
      now)
  }

  /** Adds one run for a person, and an entry to the audit log. With `now`, the gates that the run passes are returned
   *  and recorded. Throws as `enqueue`, and OFFPEAK_IDEMPOTENCY_CONFLICT. */
  async request (
    id: string,
    { now: isImmediate = false, ...ask }: RunRequest,
    { by, keyed }: { by: string, keyed?: RequestAsk }
  ): Promise<Requested> {
    const { clock, runner, conditions, uploads } = this.#options
    const now = clock.now()
    if (isImmediate) checkImmediate(ask)
    const task = this.definition(id)
    checkAskable(task, conditions.current.config.server)
    const run = newRun({ task, ask, source: 'manual', now, uploads: uploads() })
    const request = keyed && requestOf(keyed)
    if (!isImmediate) {
      return {
        ...await this.#add(run, now, { record: { by, action: 'run', detail: { task: id } }, request }),
        passes: []
      }
    }
    const passes = passedBy(runner.verdicts.of({ ...run, created_at: now, now: true }))
    const record = { by, action: 'run', detail: { task: id, now: true, passes: passes.map(({ code }) => code) } }
    const added = await this.#add({ ...run, now: true }, now, { record, request })
    return { ...added, passes: added.created ? passes : [] }
  }

  /** Adds a run as of the instant of its request: a run due before it is added is judged by itself. */
  async #add (
    run: NewRun,
    now: number,
    { record, request }: { record?: AuditNote, request?: KeyedRequest | undefined } = {}
  ): Promise<Added> {
    const { engine, runner } = this.#options
    const more = { bounds: this.#admission.bounds, ...record && { record }, ...request && { request } }
    const [added] = await engine.add([run], now, more).catch(error => {
      throw withPointers(error, pointer => pointer.replace('/0', ''))
    })
    // The commit of a new run has already woken the runner.
    if (!added!.created) runner.wake()
    return added!
  }

  async run (id: string): Promise<FullRun> {
    const run = await this.#options.engine.get(id)
    if (run === null) throw runNotFound(id)
    return run
  }

  runs (ask: ListAsk): Promise<Page<Run>> {
    return this.#options.engine.list(ask)
  }

  async logs (ask: { id: string, after: number, limit: number }): Promise<StoredLine[]> {
    const lines = await this.#options.engine.logs(ask)
    if (lines.length === 0) await this.run(ask.id)
    return lines
  }

  /** Cancels a waiting run, or asks a running one to stop. Throws OFFPEAK_RUN_NOT_FOUND, and OFFPEAK_RUN_CONFLICT for a
   *  finished run. */
  async cancel (id: string, { by, message = 'cancelled by hand' }: { by: string, message?: string }): Promise<Run> {
    const { engine, clock, runner } = this.#options
    const before = await this.run(id)
    if (isFinal(before.state)) throw runConflict({ id, state: before.state, wanted: 'cancelled' })
    const reason = { code: 'cancelled', message, by }
    const record = { by, action: 'cancel', detail: { task: before.task, message } }
    const run = await engine.cancel({ id, reason, now: clock.now(), record })
    if (run === null) throw runNotFound(id)
    runner.abort(id, new StopReason('cancelled', message, by))
    return run
  }

  /** Queues a finished run again, its attempts reset to 0. Throws OFFPEAK_RUN_NOT_FOUND, OFFPEAK_RUN_CONFLICT,
   *  OFFPEAK_TASK_NOT_FOUND, OFFPEAK_QUEUE_FULL. */
  async retry (id: string, { by }: { by: string }): Promise<Run> {
    const { engine, clock, runner, conditions, uploads } = this.#options
    const before = await this.run(id)
    if (!isFinal(before.state)) {
      throw runConflict({ id, state: before.state, wanted: 'retried: it is not finished' })
    }
    const task = this.definition(before.task)
    checkAskable(task, conditions.current.config.server)
    if (isAsked(before)) checkBounds(task, before.payload, uploads())
    const now = clock.now()
    const record = { by, action: 'retry', detail: { task: before.task } }
    const run = await engine.retry({ id, now, due_at: now, bounds: this.#admission.refusing, record })
    if (run === null) throw runNotFound(id)
    runner.wake()
    return run
  }

  get schedules (): Schedule[] {
    return this.#options.planner.schedules
  }

  /** Throws OFFPEAK_SCHEDULE_NOT_FOUND. */
  scheduled (id: string): Schedule {
    const found = this.#options.planner.get(id)
    if (found === undefined) throw scheduleNotFound(id)
    return found
  }

  /** Why a schedule does not fire, or null when it does. */
  scheduleRest (schedule: Schedule): RestingReason | null {
    return scheduleRest(schedule, this.#options.tasks().get(schedule.task))
  }

  /** The next fires of a task in epoch ms, soonest first, including schedules that were added at run time. */
  fires (id: string, count: number): number[] {
    return this.#options.planner.fires(this.definition(id), count)
  }

  /** The tags of all tasks, in alphabetical order. */
  get tags (): string[] {
    return [...new Set([...this.#options.tasks().values()].flatMap(({ tags }) => tags))].toSorted()
  }

  /** Adds a schedule, which remains until it is removed; resolves when it is durable. Throws OFFPEAK_TRIGGER_INVALID,
   *  OFFPEAK_INPUT_INVALID, OFFPEAK_TASK_NOT_FOUND, OFFPEAK_TASK_UNCONFIGURED. */
  schedule (ask: ScheduleRequest): Promise<Schedule> {
    return this.#schedules.add(ask)
  }

  /** Changes a schedule that was added at run time, in place. A new trigger begins now: what was due before has fired,
   *  and no instant fires twice. A paused schedule does not fire, and misses nothing. Throws as `schedule` and
   *  `unschedule` do. */
  changeSchedule (id: string, patch: SchedulePatch): Promise<Schedule> {
    return this.#schedules.change(id, patch)
  }

  /** Removes a schedule that was added at run time. Throws OFFPEAK_SCHEDULE_NOT_FOUND, and OFFPEAK_RUN_CONFLICT for a
   *  schedule of a task file. */
  unschedule (id: string, ask: { by: string }): Promise<void> {
    return this.#schedules.remove(id, ask)
  }
}
