import { MINUTE } from '../../model/base/duration.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Engine } from '../../engine/engine.ts'

/** A failing call of the engine. `since`, `at`: the first and the last failure in a row, epoch ms. */
export interface CallFault {
  call: string
  message: string
  failures: number
  since: number
  at: number
}

type Call = (...args: unknown[]) => unknown

/** A fault is no longer reported this long after its last failure, ms, because some calls are rare. */
const REMEMBERED = 10 * MINUTE

const isPromise = (value: unknown): value is Promise<unknown> => value instanceof Promise

/** An error of the caller is not a fault of the engine. */
const isRefusal = (error: unknown): boolean => ((error as { statusCode?: unknown } | null)?.statusCode as number) < 500

/** Wraps the engine and records its failing calls. */
export class EngineCalls {
  readonly #now: () => number
  readonly #faults = new Map<string, CallFault>()
  readonly #wrapped = new Map<PropertyKey, { call: Call, watched: Call }>()
  /** The wrapped engine: a proxy that observes every call. */
  readonly engine: Engine

  constructor ({ engine, now }: { engine: Engine, now: () => number }) {
    this.#now = now
    this.engine = new Proxy(engine, { get: (target, name) => this.#watched(target, name) })
  }

  /** The calls that have failed and have not succeeded since, the longest failing first. */
  get faults (): CallFault[] {
    const now = this.#now()
    return [...this.#faults.values()].filter(({ at }) => Math.abs(now - at) < REMEMBERED).toSorted((a, b) =>
      a.since - b.since
    )
  }

  #watched (target: Engine, name: PropertyKey): unknown {
    const call: unknown = Reflect.get(target, name)
    if (typeof call !== 'function') return call
    const known = this.#wrapped.get(name)
    if (known?.call === call) return known.watched
    const watched = (...args: unknown[]) => {
      const answer: unknown = Reflect.apply(call, target, args)
      if (isPromise(answer)) answer.then(() => this.#worked(name), error => this.#failed(name, error))
      return answer
    }
    this.#wrapped.set(name, { call: call as Call, watched })
    return watched
  }

  #worked (name: PropertyKey): void {
    if (this.#faults.size > 0) this.#faults.delete(String(name))
  }

  #failed (name: PropertyKey, error: unknown): void {
    if (isRefusal(error)) return this.#worked(name)
    const call = String(name)
    const now = this.#now()
    const { since = now, failures = 0 } = this.#faults.get(call) ?? {}
    this.#faults.set(call, { call, message: failureOf(error).message, failures: failures + 1, since, at: now })
  }
}
