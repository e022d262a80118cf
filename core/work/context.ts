import { setImmediate } from 'node:timers/promises'
import { Fatal, RetryAfter, Skip, Warned } from '../model/outcome.ts'
import { iso } from '../model/clock.ts'
import { milliseconds } from '../model/duration.ts'
import { storable } from '../model/json.ts'
import type { Claimed } from '../engine/engine.ts'
import type { Enqueue, Services, TaskContext, TaskLog, TaskProgress } from '../model/context.ts'
import type { Json } from '../model/json.ts'

export interface ContextOptions {
  run: Claimed
  signal: AbortSignal
  /** Called when the task first logs: a logger costs more than many a task. */
  log: () => TaskLog
  progress: TaskProgress
  services: Services
  save: (state: Json) => Promise<void>
  enqueue: (task: string, ask: Enqueue) => Promise<string>
}

/** What a task's function is given, built around one claimed run. */
export function contextFor ({ run, signal, log, progress, services, save, enqueue }: ContextOptions): TaskContext {
  let checkpoint = run.checkpoint
  let made: TaskLog | undefined
  return {
    payload: run.payload,
    task: run.task,
    run_id: run.id,
    attempt: run.attempt,
    due_at: iso(run.due_at)!,
    signal,
    get log () { return made ??= log() },
    progress,
    services,
    checkpoint: {
      read: async () => checkpoint,
      save: async state => {
        signal.throwIfAborted()
        const stored = storable(state)
        await save(stored)
        checkpoint = stored
      }
    },
    breathe: async () => {
      signal.throwIfAborted()
      await setImmediate()
      signal.throwIfAborted()
    },
    skip: reason => { throw new Skip(reason) },
    retryAfter: (wait, message) => { throw new RetryAfter(milliseconds(wait), message ?? 'the task asked to be tried again later') },
    fail: message => { throw new Fatal(message) },
    warn: (message, result) => new Warned(message, result),
    enqueue: (task, ask = {}) => enqueue(task, ask)
  }
}
