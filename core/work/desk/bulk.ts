import { StopReason } from '../../model/run/outcome.ts'
import { inputInvalid } from '../../model/errors/input-errors.ts'
import { runConflict, runNotFound } from '../../model/errors/run-errors.ts'
import { checkAskable, checkBounds, checkedPayload, replacing } from './request/enqueue-request.ts'
import { isFinal } from '../../model/run/run.ts'
import { milliseconds } from '../../model/base/duration.ts'
import { passedBy } from '../../model/view/held.ts'
import { newRuns, withPointers } from './request/new-runs.ts'
import { named, requestOf } from './request/keyed-request.ts'
import type { BulkAction, Added, BulkAsk, BulkResult, EditAsk, Engine, KeyedRequest,
  AuditNote } from '../../engine/engine.ts'
import type { Admission } from './request/admission.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Duration } from '../../model/base/duration.ts'
import type { RunFilter } from '../../engine/reports.ts'
import type { Json } from '../../model/json/json.ts'
import type { Listener } from '../../model/notice.ts'
import type { Priority, Run, Source } from '../../model/run/run.ts'
import type { Passed } from '../../model/view/held.ts'
import type { TaskRunAsk } from './request/enqueue-request.ts'
import type { Runner } from '../run/runner.ts'
import type { Task } from '../../model/task/task.ts'

/** At most this many runs are changed in one engine call. */
const SLICE = 1000

/** At most this many runs are changed by one filter, unless the request has a limit. */
const MOST_CHANGED = 100_000

interface BulkOptions {
  engine: Engine
  clock: Clock
  notice: Listener
  runner: Runner
  admission: Admission
  definition: (id: string) => Task
  tasks: () => ReadonlyMap<string, Task>
  /** The folder of uploaded files. */
  uploads: () => string
  /** Whether people may run disabled tasks. */
  policy: () => { run_disabled: boolean }
}

export interface EditRequest {
  priority?: Priority
  payload?: unknown
  due_at?: number
  by: string
}

/** `tasks`: restricts the filter to these tasks. `every`: the interval between the due instants of retried runs. */
export interface ChangeRequest {
  filter: RunFilter
  tasks?: string[]
  by: string
  dry_run?: boolean
  limit?: number
  message?: string
  every?: Duration
}

/** `by` and `action`: for the audit log. */
export interface BulkMore {
  source?: Source
  by?: string
  action?: 'run' | 'flow'
  request?: KeyedRequest
}

/** `refused`: how many runs were not retried because their queues are full. */
export interface Counted {
  matched: number
  changed: number
  refused: number
}

const VERBS = {
  cancel: 'cancelled',
  retry: 'tried again',
  remove: 'deleted',
  promote: 'made due'
} as const satisfies Record<BulkAction, string>

/** Adds and changes runs in bulk, and edits waiting runs. */
export class Bulk {
  readonly #options: BulkOptions

  constructor (options: BulkOptions) {
    this.#options = options
  }

  /** Adds all runs or none, in the order of the requests. Throws OFFPEAK_INPUT_INVALID with every fault,
   *  OFFPEAK_QUEUE_FULL. */
  async add (
    asks: readonly TaskRunAsk[],
    { source = 'manual', by, action = 'run', request }: BulkMore = {}
  ): Promise<Added[]> {
    const { engine, clock, runner, admission, definition, uploads } = this.#options
    const now = clock.now()
    if (by !== undefined) this.#checkAskable(asks)
    const runs = newRuns(asks, { source, now, definition, uploads: uploads() })
    const more = {
      bounds: admission.bounds,
      ...request && { request },
      ...by !== undefined && { record: recordOf({ by, action, count: runs.length }) }
    }
    const added = await engine.add(runs, now, more).catch(error => {
      throw withPointers(error, pointer => `/runs${pointer}`)
    })
    // The commit of new runs has already woken the runner.
    if (!added.every(({ created }) => created)) runner.wake()
    return added
  }

  /** Adds the runs of a request with an idempotency key. A repeated request returns the runs that the first one added.
   *  Throws as `add`, and OFFPEAK_IDEMPOTENCY_CONFLICT. */
  async addOnce (
    asks: readonly TaskRunAsk[],
    { key, scope, ...more }: BulkMore & { key: string, scope: string }
  ): Promise<Added[]> {
    const request = requestOf({ key, scope, request: asks })
    return await this.add(named(asks, { key, scope }, this.#options.tasks()), { ...more, request })
  }

  #checkAskable (asks: readonly TaskRunAsk[]): void {
    const { tasks, policy } = this.#options
    for (const id of new Set(asks.map(({ task }) => task))) {
      const task = tasks().get(id)
      if (task !== undefined) checkAskable(task, policy())
    }
  }

  /** Changes a waiting run; a payload replaces the old one. Throws OFFPEAK_RUN_NOT_FOUND, OFFPEAK_INPUT_INVALID, and
   *  OFFPEAK_RUN_CONFLICT when the run does not wait. */
  async edit (id: string, { payload, ...rest }: EditRequest): Promise<Run> {
    const { clock, definition } = this.#options
    const before = await this.#waiting(id)
    return await this.#edited({
      id,
      now: clock.now(),
      ...rest,
      ...payload !== undefined && { payload: this.#payload(definition(before.task), payload) }
    })
  }

  #payload (task: Task, given: unknown): Json {
    const payload = checkedPayload(task, replacing(task, given))
    checkBounds(task, payload, this.#options.uploads())
    return payload
  }

  /** Makes a waiting run due now; its gates still apply. Throws as `edit`. */
  async promote (id: string, { by }: { by: string }): Promise<Run> {
    return await this.edit(id, { due_at: this.#options.clock.now(), by })
  }

  /** Lets a waiting run start as soon as a slot is free. It passes the gates of load, power and comfort, which are
   *  returned and recorded. Throws as `edit`. */
  async runNow (id: string, { by }: { by: string }): Promise<{ run: Run, passes: Passed[] }> {
    const { clock, runner } = this.#options
    const before = await this.#waiting(id)
    const now = clock.now()
    const due = Math.min(before.due_at, now)
    const passes = passedBy(runner.verdicts.of({ ...before, due_at: due, now: true }))
    const record = { by, action: 'run_now', detail: { task: before.task, passes: passes.map(({ code }) => code) } }
    return {
      run: await this.#edited({ id, now, by, run_now: true, ...due !== before.due_at && { due_at: due }, record }),
      passes
    }
  }

  async #edited (ask: EditAsk): Promise<Run> {
    const { engine, runner } = this.#options
    const run = await engine.edit(ask)
    if (run === null) throw runNotFound(ask.id)
    // It may have started since it was read.
    if (!isWaiting(run)) throw started(run)
    runner.wake()
    return run
  }

  /** Deletes a finished run with its log and attempts, and records that. Throws OFFPEAK_RUN_NOT_FOUND, and
   *  OFFPEAK_RUN_CONFLICT when the run is not finished. */
  async remove (
    id: string,
    { by, message = 'deleted by hand', code = 'deleted' }: { by: string, message?: string, code?: string }
  ): Promise<Run> {
    const { engine, clock } = this.#options
    const run = await engine.discard({ id, reason: { code, message, by }, now: clock.now() })
    if (run === null) throw runNotFound(id)
    if (!isFinal(run.state)) {
      throw runConflict({ id, state: run.state, wanted: 'deleted before it is finished: cancel it first' })
    }
    return run
  }

  async #waiting (id: string): Promise<Run> {
    const run = await this.#options.engine.get(id)
    if (run === null) throw runNotFound(id)
    if (!isWaiting(run)) throw started(run)
    return run
  }

  /** Applies an action to all runs that match a filter and whose state permits it; `dry_run` only counts them. Runs
   *  whose queue is full are not retried. Throws OFFPEAK_INPUT_INVALID for an empty filter, and OFFPEAK_QUEUE_FULL when
   *  full queues kept every run from being retried. */
  async change (
    act: BulkAction,
    { filter, tasks, by, dry_run: dry = false, limit = MOST_CHANGED, message, every = 0 }: ChangeRequest
  ): Promise<Counted> {
    const { clock, runner, admission } = this.#options
    // An empty filter is a mistake, not a request to change all runs.
    if (Object.values(filter).every(value => value === undefined)) {
      throw inputInvalid({
        what: 'Nothing was changed',
        errors: [{
          pointer: '/filter',
          detail: 'is empty: expected a task, states, a queue or another member'
        }]
      })
    }
    const reason = {
      code: VERBS[act].replaceAll(' ', '_'),
      message: message ?? `${VERBS[act]} by hand, in bulk`,
      by
    }
    // A run of a removed task would wait for ever, and a run of a disabled task must not start.
    const only = act === 'retry' ? this.retriable(tasks) : tasks
    const ask = {
      act,
      filter,
      limit,
      dry_run: dry,
      reason,
      every_ms: milliseconds(every),
      ...only !== undefined && { tasks: only }
    }
    const changed = await this.#inSlices({
      ...ask,
      ...act === 'retry' && { bounds: admission.lengths },
      now: clock.now()
    })
    if (dry || changed.changed === 0) return changed
    runner.wake()
    return changed
  }

  /** Those of the given tasks, by default of all tasks, whose runs may be retried on request. */
  retriable (ids: Iterable<string> = this.#options.tasks().keys()): string[] {
    const { tasks, policy } = this.#options
    return [...ids].filter(id => tasks().has(id) && (tasks().get(id)!.enabled || policy().run_disabled))
  }

  /** Changes 1000 runs at a time; each slice is atomic. After each slice its running runs are asked to stop. */
  async #inSlices (ask: BulkAsk): Promise<Counted> {
    const { engine, runner } = this.#options
    const counted: Counted = { matched: 0, changed: 0, refused: 0 }
    let full: string | undefined
    for (let next: BulkResult['next'] | undefined; next !== null && counted.changed < ask.limit;) {
      const limit = Math.min(SLICE, ask.limit - counted.changed)
      const slice = await engine.change({
        ...ask,
        limit,
        place: counted.changed,
        ...next !== undefined && { cursor: next }
      })
      counted.matched = slice.matched ?? counted.matched
      counted.changed += slice.runs.length
      full ??= Object.keys(slice.refused)[0]
      counted.refused += Object.values(slice.refused).reduce((sum, many) => sum + many, 0)
      for (const { id, cancel } of slice.runs) {
        if (cancel) runner.abort(id, new StopReason('cancelled', cancel.message, cancel.by))
      }
      next = ask.dry_run ? null : slice.next
    }
    if (full !== undefined && counted.changed === 0 && !ask.dry_run) throw await this.#options.admission.full(full)
    return counted
  }
}

/** The audit note of an addition. The subject of a flow is its first run; other additions have the subject `*`. */
const recordOf = ({ by, action, count }: { by: string, action: 'run' | 'flow', count: number }): AuditNote =>
  action === 'flow' ? { by, action, detail: { runs: count } } : { by, action, subject: '*', detail: { added: count } }

const isWaiting = ({ state }: Run): boolean => state === 'queued' || state === 'blocked'

const started = ({ id, state }: Run) => runConflict({ id, state, wanted: 'changed: only waiting runs can be' })
