import { AsyncLocalStorage } from 'node:async_hooks'
import type { StopReason } from '../../model/run/outcome.ts'

/** The request to stop an attempt. The first reason counts. The signal is created on first access, because it costs
 *  more than many tasks. */
export class Stop {
  #reason: StopReason | null = null
  #controller: AbortController | null = null
  /** Calls in the scope of the run that accessed the signal, so that errors of its listeners are attributed to the
   *  run. */
  #inScope: <R>(fn: () => R) => R = fn => fn()
  #listener: (() => void) | null = null
  readonly #waiting = new Set<() => void>()

  /** Why the attempt must stop; null when it must not. */
  get reason (): StopReason | null {
    return this.#reason
  }

  /** Aborted with the reason when the attempt is asked to stop. */
  get signal (): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      this.#inScope = AsyncLocalStorage.snapshot()
      if (this.#reason !== null) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Asks the attempt to stop. Returns false when it was asked before. */
  ask (reason: StopReason): boolean {
    if (this.#reason !== null) return false
    this.#reason = reason
    this.#listener?.()
    for (const listener of this.#waiting) listener()
    this.#inScope(() => this.#abort(reason))
    return true
  }

  /** Calls a listener when the attempt is asked to stop, independently of the signal; returns an unsubscribe
   *  function. */
  onAsk (listener: () => void): () => void {
    this.#waiting.add(listener)
    return () => void this.#waiting.delete(listener)
  }

  /** A task may have tampered with its signal: an error of it becomes an uncaught error of the task. */
  #abort (reason: StopReason): void {
    try {
      this.#controller?.abort(reason)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }

  /** Sets the one listener that is called when the attempt is asked to stop, immediately if it was already; null
   *  removes it. */
  listen (listener: (() => void) | null): void {
    this.#listener = listener
    if (this.#reason !== null) listener?.()
  }
}
