import { setImmediate } from 'node:timers/promises'
import { Memory } from './steps.ts'
import { Fatal, RetryAfter, Skip, Warned } from '../model/outcome.ts'
import { iso } from '../model/clock.ts'
import { milliseconds } from '../model/duration.ts'
import { storable } from '../model/json.ts'
import type { Claimed } from '../engine/engine.ts'
import type { Breathing, Enqueue, Services, TaskContext, TaskLog, TaskProgress } from '../model/context.ts'
import type { Hints } from '../model/hints.ts'
import type { Json } from '../model/json.ts'
import type { Situation } from './situation.ts'

export type { Breathing } from '../model/context.ts'

export interface ContextOptions {
  run: Claimed
  signal: AbortSignal
  /** Called when the task first logs: a logger costs more than many a task. */
  log: () => TaskLog
  progress: TaskProgress
  services: () => Services
  situation: Pick<Situation, 'hints' | 'onChange'>
  /** Waits while the gates are closed. */
  breathe: (breathing: Breathing) => Promise<void>
  save: (state: Json) => Promise<void>
  /** Of the definition in force, see `Task.version`. */
  version: string
  enqueue: (task: string, ask: Enqueue) => Promise<string>
}

interface HintsAsk { situation: ContextOptions['situation'], signal: AbortSignal, listener: (hints: Hints) => void }

/** Tells of hints that differ from the ones before, until the run is told to stop or the answer is called. */
function hintsListener ({ situation, signal, listener }: HintsAsk): () => void {
  let told = JSON.stringify(situation.hints)
  const off = situation.onChange(() => {
    if (signal.aborted) return off()
    const text = JSON.stringify(situation.hints)
    if (text === told) return
    told = text
    listener(situation.hints)
  })
  return off
}

/** What a task's function is given, built around one claimed run. What few tasks look at is made when it is looked at. */
export function contextFor ({ run, version, signal, log, progress, services, save, enqueue, situation, breathe }: ContextOptions): TaskContext {
  let known: Memory | undefined
  const memory = () => known ??= new Memory({ stored: run.checkpoint, version, store: save })
  let made: TaskLog | undefined
  let lent: Services | undefined
  return {
    payload: run.payload,
    task: run.task,
    run_id: run.id,
    results: run.results ?? {},
    attempt: run.attempt,
    get due_at () { return iso(run.due_at)! },
    signal,
    get log () { return made ??= log() },
    progress,
    get services () { return lent ??= services() },
    get hints () { return situation.hints },
    onHints: listener => hintsListener({ situation, signal, listener }),
    checkpoint: {
      get changed () { return memory().changed },
      read: async () => memory().state,
      save: async state => {
        signal.throwIfAborted()
        await memory().save(storable(state))
      }
    },
    step: async (name, work) => {
      signal.throwIfAborted()
      return await memory().step(name, work)
    },
    breathe: async (breathing = {}) => {
      signal.throwIfAborted()
      await breathe(breathing)
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
