import type { Duration } from '../base/duration.ts'
import type { Hints } from '../base/profile.ts'
import type { Json } from '../json/json.ts'
import type { After, Run } from '../run/run.ts'
import type { UniqueSetting } from './policy.ts'

/** The logger of a run. */
export interface TaskLog {
  trace(...args: unknown[]): void
  debug(...args: unknown[]): void
  info(...args: unknown[]): void
  warn(...args: unknown[]): void
  error(...args: unknown[]): void
  fatal(...args: unknown[]): void
}

/** Reports the progress of a run. Calls are cheap: storing is throttled. */
export interface TaskProgress {
  setTotal(total: number, unit?: string): void
  /** Adds `by` (1) to the completed units. */
  advance(by?: number, message?: string): void
  /** Sets the completed units. */
  update(current: number, message?: string): void
  setMessage(message: string): void
  /** Begins a stage: completed units, total and rate start over and describe this stage only. */
  setStage(name: string, total?: number, unit?: string): void
}

/** State that survives retry, yield, crash and deploy. */
export interface TaskCheckpoint {
  /** True when the state was saved by another version of the definition: its file, or its function in code, has changed
   *  since. */
  readonly changed: boolean
  read(): Promise<Json>
  /** Resolves when the state is durable. Throws OFFPEAK_CHECKPOINT_TOO_LARGE, OFFPEAK_CHECKPOINT_TOO_DEEP or
   *  OFFPEAK_CHECKPOINT_NOT_JSON; the previous state then stays. */
  save(state: unknown): Promise<void>
}

/** The options of a run that a task or the host app adds. */
export interface Enqueue {
  payload?: unknown
  delay?: Duration
  due_at?: string | number | Date
  priority?: Run['priority']
  key?: string
  /** How long the key identifies one run, and what happens to a second one. */
  unique?: UniqueSetting
  /** The ids of runs that must end first. */
  after?: (string | { run: string, condition?: After['condition'] })[]
}

/** `slot: 'give'` lets other runs use the slot while the task waits; it continues when a slot is free again. */
export interface Breathing {
  slot?: 'keep' | 'give'
}

/** The services that the host app provides to tasks: db, cache, config. Merge into this interface to type your own. */
export interface Services {
  [name: string]: unknown
}

/** The argument of a task's function. */
export interface TaskContext {
  readonly payload: Json
  readonly task: string
  readonly run_id: string
  /** The results of its prerequisites: by ref or id of the run, and by id of the task for `depends_on`. */
  readonly results: Readonly<Record<string, Json>>
  /** The folders, links resolved, in which a path of the payload must lie, by the JSON pointer of the path
   *  (`/payload/root`). Paths were checked when the run was added; where others can create links, check the opened file
   *  again. Empty when the payload stays within the configuration. */
  readonly reach: Readonly<Record<string, readonly string[]>>
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /** ISO instant at which the run was due. */
  readonly due_at: string
  /** Aborted when the run must stop; its `reason` is a StopReason: cancelled, timeout, yield, stopping. */
  readonly signal: AbortSignal
  readonly log: TaskLog
  readonly progress: TaskProgress
  readonly checkpoint: TaskCheckpoint
  /** Runs a step of the work once. Its result is stored as JSON, and later attempts get the stored result. Names must
   *  be unique within the run. Throws OFFPEAK_STEP_INVALID or OFFPEAK_STEP_REPEATED for its name,
   *  OFFPEAK_STEPS_TOO_LARGE, OFFPEAK_STEP_TOO_DEEP or OFFPEAK_STEP_NOT_JSON when the result cannot be stored. */
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>
  /** In a thread or process: only `config` and the calls of `offpeak`. */
  readonly services: Services
  /** The current hints on resources: batch size, quality, parallelism. */
  readonly hints: Hints
  /** Calls the listener when the hints change; returns an unsubscribe function. */
  onHints(listener: (hints: Hints) => void): () => void
  /** Waits while the gates of the task are closed, lets other work run, and throws the reason of `signal` when the run
   *  must stop. */
  breathe(breathing?: Breathing): Promise<void>
  /** Ends the run as skipped, with the reason. */
  skip(reason: string): never
  /** Fails this attempt; the next one starts after `wait`. */
  retryAfter(wait: Duration, message?: string): never
  /** Fails the run: no more attempts. */
  fail(message: string): never
  /** The return value of a task that completes with a warning: `return ctx.warn('3 files were unreadable', result)`. */
  warn(message: string, result?: unknown): unknown
  /** Adds a run of any task; resolves to its id when it is durable. */
  enqueue(task: string, ask?: Enqueue): Promise<string>
}
