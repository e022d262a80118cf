import { AsyncLocalStorage } from 'node:async_hooks'
import type { StopReason } from '../../model/run/outcome.ts'

/** Whether an attempt is to stop, and why: the first reason counts. The signal is made when somebody asks for it, for
 *  it costs more than many a task. */
export class Stop {
  #reason: StopReason | null = null
  #controller: AbortController | null = null
  /** Calls in the scope of the run that has asked for the signal: what its listeners throw is of that run. */
  #inScope: <R>(fn: () => R) => R = fn => fn()
  #listener: (() => void) | null = null
  readonly #waiting = new Set<() => void>()

  /** Null: it goes on. */
  get reason (): StopReason | null {
    return this.#reason
  }

  /** Aborted with the reason when the attempt is to stop. */
  get signal (): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      this.#inScope = AsyncLocalStorage.snapshot()
      if (this.#reason !== null) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** False when it was asked to before. */
  ask (reason: StopReason): boolean {
    if (this.#reason !== null) return false
    this.#reason = reason
    this.#listener?.()
    for (const listener of this.#waiting) listener()
    this.#inScope(() => this.#abort(reason))
    return true
  }

  /** Calls back when it is asked to, whatever the task has made of its signal; returns an unsubscribe function. */
  onAsk (listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => void this.#waiting.delete(listener)
  }

  /** A task may have replaced what its signal does: that is an error of its own that nobody catches. */
  #abort (reason: StopReason): void {
    try {
      this.#controller?.abort(reason)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  /** Calls back when it is asked to, at once when it was; null: no more. There is one listener. */
  listen (listener: (() => void) | null): void {
    this.#listener = listener
    if (this.#reason !== null) listener?.()
  }
}
