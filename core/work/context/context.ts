import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate } from 'node:timers/promises'
import { Checkpoint } from './checkpoint.ts'
import { Fatal, RetryAfter, Skip, Warned } from '../../model/run/outcome.ts'
import { iso } from '../../model/base/clock.ts'
import { milliseconds } from '../../model/base/duration.ts'
import { outsideRun } from './scope.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Breathing, Enqueue, Services, TaskCheckpoint, TaskContext, TaskLog,
  TaskProgress } from '../../model/task/context.ts'
import type { Duration } from '../../model/base/duration.ts'
import type { Hints } from '../../model/machine/hints.ts'
import type { Json } from '../../model/json/json.ts'
import type { LiveConditions } from '../conditions/conditions.ts'

export type Reach = TaskContext['reach']
export type { Breathing } from '../../model/task/context.ts'

export interface ContextOptions {
  run: Claimed
  /** Its signal is read only when the task reads `ctx.signal`. */
  stop: { readonly signal: AbortSignal }
  /** Called when the task first logs, because creating a logger costs more than many tasks. */
  log: () => TaskLog
  progress: TaskProgress
  services: () => Services
  conditions: Pick<LiveConditions, 'hints'> & { onChange(listener: () => unknown, name?: string): () => void }
  /** The folders that contain paths of the payload; see `TaskContext.reach`. */
  reach?: Reach
  /** Waits while the gates are closed. */
  breathe: (breathing: Breathing) => Promise<void>
  save: (state: Json) => Promise<void>
  /** The version of the definition; see `Task.version`. */
  version: string
  enqueue: (task: string, ask: Enqueue) => Promise<string>
}

interface HintsAsk {
  conditions: ContextOptions['conditions']
  signal: AbortSignal
  task: string
  listener: (hints: Hints) => unknown
}

const NO_RESULTS = Object.freeze({})
const NO_REACH: Reach = Object.freeze({})

const skip = (reason: string): never => {
  throw new Skip(reason)
}
const retryAfter = (wait: Duration, message?: string): never => {
  throw new RetryAfter(milliseconds(wait), message ?? 'the task asked to be tried again later')
}
const fail = (message: string): never => {
  throw new Fatal(message)
}
const warn = (message: string, result?: unknown) => new Warned(message, result)

/** Calls the listener with changed hints, in the scope of its run, until the run is asked to stop or the returned
 *  function is called. Its errors are reported with the name of its task. */
function hintsListener ({ conditions, signal, task, listener }: HintsAsk): () => void {
  let last = JSON.stringify(conditions.hints)
  const call = AsyncLocalStorage.bind(listener)
  const off = conditions.onChange(() => {
    if (signal.aborted) return off()
    const text = JSON.stringify(conditions.hints)
    if (text === last) return
    last = text
    return call(conditions.hints)
  }, `onHints of ${task}`)
  return off
}

/** The context of a claimed run. Rarely used members are created on first access. Methods are bound, so that a task may
 *  destructure the context: `({ payload, step }) => …`. */
class Context implements TaskContext {
  readonly payload: Json
  readonly task: string
  readonly run_id: string
  readonly results: Readonly<Record<string, Json>>
  readonly attempt: number
  readonly progress: TaskProgress
  readonly #options: ContextOptions
  #memory: Checkpoint | undefined
  #log: TaskLog | undefined
  #services: Services | undefined

  constructor (options: ContextOptions) {
    const { run, progress } = options
    this.#options = options
    this.payload = run.payload
    this.task = run.task
    this.run_id = run.id
    this.results = run.results ?? NO_RESULTS
    this.attempt = run.attempt
    this.progress = progress
  }

  get signal (): AbortSignal {
    return this.#options.stop.signal
  }

  get due_at (): string {
    return iso(this.#options.run.due_at)!
  }

  get log (): TaskLog {
    return this.#log ??= this.#options.log()
  }

  get services (): Services {
    return this.#services ??= this.#options.services()
  }

  get hints (): Hints {
    return this.#options.conditions.hints
  }

  get reach (): Reach {
    return this.#options.reach ?? NO_REACH
  }

  get onHints (): TaskContext['onHints'] {
    const { conditions, stop, run: { task } } = this.#options
    return listener => hintsListener({ conditions, signal: stop.signal, task, listener })
  }

  get checkpoint (): TaskCheckpoint {
    const { signal } = this
    const memory = this.#remembered
    return {
      get changed () {
        return memory.changed
      },
      read: async () => memory.state,
      save: async state => {
        signal.throwIfAborted()
        await memory.save(state)
      }
    }
  }

  get step (): TaskContext['step'] {
    return async (name, work) => {
      this.signal.throwIfAborted()
      return await this.#remembered.step(name, work)
    }
  }

  get breathe (): TaskContext['breathe'] {
    return async breathing => {
      this.signal.throwIfAborted()
      const slot = breathing?.slot === 'give' ? 'give' : 'keep'
      await outsideRun(() => this.#options.breathe({ slot }))
      await setImmediate()
      this.signal.throwIfAborted()
    }
  }

  get enqueue (): TaskContext['enqueue'] {
    return (task, ask = {}) => outsideRun(() => this.#options.enqueue(task, ask))
  }

  get skip (): TaskContext['skip'] {
    return skip
  }

  get retryAfter (): TaskContext['retryAfter'] {
    return retryAfter
  }

  get fail (): TaskContext['fail'] {
    return fail
  }

  get warn (): TaskContext['warn'] {
    return warn
  }

  get #remembered (): Checkpoint {
    const { run, version, save } = this.#options
    return this.#memory ??= new Checkpoint({
      stored: run.checkpoint,
      version,
      store: state => outsideRun(() => save(state))
    })
  }
}

/** The argument of the function of a task, for one claimed run. */
export const contextFor = (options: ContextOptions): TaskContext => new Context(options)
