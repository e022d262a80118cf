import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'

interface Timer {
  at: number
  ring: () => void
}

/** More turns of the event loop than any work takes that does not wait for time. */
const MOST_TURNS = 1_000_000

/** A clock that moves only when it is moved; its timers ring in order. Instants are epoch ms. */
export class SimulatedClock implements Clock {
  #wall: number
  #counted = 0
  /** The timers in reverse order: the last one rings first; of the same instant, the one that was set first. */
  #timers: Timer[] = []

  constructor (at: number) {
    this.#wall = at
  }

  readonly now = (): number => this.#wall
  readonly monotonic = (): number => this.#counted

  /** Waits at least one millisecond, like the timers of Node, so that time advances. */
  readonly after = (ms: number, ring: () => void): () => void => {
    const timer = { at: this.#counted + Math.max(1, Math.ceil(ms)), ring }
    let low = 0
    let high = this.#timers.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#timers[middle]!.at <= timer.at) high = middle
      else low = middle + 1
    }
    this.#timers.splice(low, 0, timer)
    return () => {
      const index = this.#timers.indexOf(timer)
      if (index >= 0) this.#timers.splice(index, 1)
    }
  }

  /** The instant of the next timer by the present wall clock, or null. */
  get nextAt (): number | null {
    const next = this.#timers.at(-1)
    return next === undefined ? null : this.#wall + next.at - this.#counted
  }

  /** Moves to the instant of the next timer and rings all timers that are due. `settle`: resolves when the work that
   *  they began waits for time again. */
  async step (settle: () => Promise<void>): Promise<void> {
    const next = this.#timers.at(-1)
    if (next === undefined) return
    this.#move(next.at - this.#counted)
    const due: Timer[] = []
    while (this.#timers.at(-1) !== undefined && this.#timers.at(-1)!.at <= this.#counted) due.push(this.#timers.pop()!)
    for (const { ring } of due) ring()
    await settle()
  }

  /** Moves to an instant, from timer to timer. */
  async goTo (at: number, settle: () => Promise<void>): Promise<void> {
    for (let next = this.nextAt; next !== null && next <= at; next = this.nextAt) await this.step(settle)
    this.#move(Math.max(0, at - this.#wall))
  }

  /** Moves the wall clock alone, as when the machine sleeps or the clock is set. */
  jump (ms: number): void {
    this.#wall += ms
  }

  /** Resolves after `ms` of monotonic time. Rejects with the reason of the signal when it is aborted. */
  sleep (ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const end = () => {
        signal?.removeEventListener('abort', stop)
        resolve()
      }
      const cancel = this.after(ms, end)
      const stop = () => {
        cancel()
        reject(signal!.reason as Error)
      }
      signal?.addEventListener('abort', stop, { once: true })
    })
  }

  #move (ms: number): void {
    this.#wall += ms
    this.#counted += ms
  }
}

/** An engine and the number of its calls that are pending. */
interface CountedEngine {
  engine: Engine
  pending: () => number
}

/** The same engine, with the number of its calls that are pending. */
export function countCalls (engine: Engine): CountedEngine {
  let pending = 0
  const count = (call: (...args: unknown[]) => unknown) => (...args: unknown[]) => {
    const answer = call.apply(engine, args)
    if (!(answer instanceof Promise)) return answer
    pending++
    return answer.finally(() => {
      pending--
    })
  }
  const calls = Object.entries(engine).map(([name, call]) => [name, count(call as (...args: unknown[]) => unknown)])
  return { engine: Object.fromEntries(calls) as Engine, pending: () => pending }
}

/** Resolves when `isBusy` has been false for `turns` turns of the event loop in a row. */
export async function untilQuiet (isBusy: () => boolean, turns = 1): Promise<void> {
  for (let still = 0, turn = 0; still < turns && turn < MOST_TURNS; turn++) {
    await setImmediate()
    still = isBusy() ? 0 : still + 1
  }
}
