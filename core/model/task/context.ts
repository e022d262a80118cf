import type { Duration } from '../base/duration.ts'
import type { Hints } from '../base/profile.ts'
import type { Json } from '../json/json.ts'
import type { After, Run } from '../run/run.ts'
import type { UniqueSetting } from './policy.ts'

/** What a task writes into the log of its run. */
export interface TaskLog {
  trace(...args: unknown[]): void
  debug(...args: unknown[]): void
  info(...args: unknown[]): void
  warn(...args: unknown[]): void
  error(...args: unknown[]): void
  fatal(...args: unknown[]): void
}

/** How a task says how far it is. Calls are cheap: what is stored is throttled. */
export interface TaskProgress {
  setTotal(total: number, unit?: string): void
  /** Adds to what is done. */
  advance(by?: number, message?: string): void
  /** Sets what is done. */
  update(current: number, message?: string): void
  setMessage(message: string): void
  /** Begins a part of the work: what is done, the total and the rate start over and are of it alone. */
  setStage(name: string, total?: number, unit?: string): void
}

/** State that survives retry, yield, crash and deploy. */
export interface TaskCheckpoint {
  /** True when what `read` gives was saved under another version of the definition: its file, or its function in code,
   *  has changed since. */
  readonly changed: boolean
  read(): Promise<Json>
  /** Resolves when it is durable. Throws OFFPEAK_CHECKPOINT_TOO_LARGE, OFFPEAK_CHECKPOINT_TOO_DEEP,
   *  OFFPEAK_CHECKPOINT_NOT_JSON: what was saved before stays. */
  save(state: unknown): Promise<void>
}

/** What to run next, from inside a task or from the host app. */
export interface Enqueue {
  payload?: unknown
  delay?: Duration
  due_at?: string | number | Date
  priority?: Run['priority']
  key?: string
  /** How long the key names one run, and what becomes of a second one. */
  unique?: UniqueSetting
  /** What has to end first: ids of runs. */
  after?: (string | { run: string, condition?: After['condition'] })[]
}

/** `slot: 'give'` lets other runs use the slot while the task waits; it goes on when one is free again. */
export interface Breathing {
  slot?: 'keep' | 'give'
}

/** What the host app lends to tasks: db, cache, config. Merge into this interface to type your own. */
export interface Services {
  [name: string]: unknown
}

/** What a task's function is given. */
export interface TaskContext {
  readonly payload: Json
  readonly task: string
  readonly run_id: string
  /** Of what it waited for: by ref or id of the run, and by id of the task for `depends_on`. */
  readonly results: Readonly<Record<string, Json>>
  /** The folders, links followed, in which a path that this run was asked for with must lie, by its JSON pointer
   *  (`/payload/root`). It was looked at before; where others may put a link on the way since, look again at what was
   *  opened. Empty when nobody has asked for more than is configured. */
  readonly reach: Readonly<Record<string, readonly string[]>>
  /** 1 for the first. */
  readonly attempt: number
  /** ISO instant at which the run was due. */
  readonly due_at: string
  /** Aborted when the run is to stop; its `reason` is a StopReason: cancelled, timeout, yield, stopping. */
  readonly signal: AbortSignal
  readonly log: TaskLog
  readonly progress: TaskProgress
  readonly checkpoint: TaskCheckpoint
  /** Does a part of the work once: its result, as JSON, is kept with the run, and a later attempt is given it instead.
   *  The name is told from those of the other steps; a second step with the same one is an error. Throws
   *  OFFPEAK_STEPS_TOO_LARGE, OFFPEAK_STEP_TOO_DEEP, OFFPEAK_STEP_NOT_JSON when the result cannot be kept. */
  step<T>(name: string, work: () => T | Promise<T>): Promise<T>
  /** In a thread or process: `config`, and the calls of `offpeak`, alone. */
  readonly services: Services
  /** How much to spend now: batch size, quality, parallel or not; live. */
  readonly hints: Hints
  /** Calls back when the hints change; the answer ends it. */
  onHints(listener: (hints: Hints) => void): () => void
  /** A place to stop: waits here while the gates of the task are closed, throws the signal's reason when the run is to
   *  stop, and lets other work go on. */
  breathe(breathing?: Breathing): Promise<void>
  /** Ends the run as skipped, with the reason. */
  skip(reason: string): never
  /** Fails this attempt and says when to try again. */
  retryAfter(wait: Duration, message?: string): never
  /** Fails the run: no more attempts. */
  fail(message: string): never
  /** The answer of a task that is done but wants to be looked at: `return ctx.warn('3 files were unreadable',
   *  result)`. */
  warn(message: string, result?: unknown): unknown
  /** Adds a run of any task; resolves to its id when it is durable. */
  enqueue(task: string, ask?: Enqueue): Promise<string>
}
