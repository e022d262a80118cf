import { Listeners } from '../../model/base/listeners.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Listener, Notice } from '../../model/notice.ts'
import type { ListenerFault } from '../../model/base/listeners.ts'

/** What a listener fails of, for health. `at`: epoch ms. */
export interface ListenerTrouble {
  listener: string
  failures: number
  message: string
  at: number
}

type Heard = (notice: Notice) => unknown

interface Waiting {
  notice: Notice
  depth: number
  but: Heard | null
}

/** A listener may say a notice, whose listeners may say one, no deeper than this: they would call each other without an
 *  end. */
const DEEPEST = 16

const MOST_TROUBLES = 50

/** Delivers every notice to every listener. What a listener says is delivered once all have heard the notice that it
 *  heard. */
export class Notices {
  readonly #now: () => number
  readonly #troubles = new Map<string, ListenerTrouble>()
  readonly #waiting: Waiting[] = []
  readonly #listeners = new Listeners<[Notice]>((fault, listener) => this.#report(fault, listener))
  /** Of the notice that is being delivered; -1 between deliveries. */
  #depth = -1

  constructor ({ now }: { now: () => number }) {
    this.#now = now
  }

  /** Calls a listener with every notice from now on; returns an unsubscribe function. `name` stands in health and in
   *  the log when it fails. */
  listen (listener: Listener, name?: string): () => void {
    return this.#listeners.add(listener, name)
  }

  readonly say = (notice: Notice): void => this.#say(notice, null)

  /** Reports a listener of another part of the manager. */
  readonly report = (fault: ListenerFault): void => this.#report(fault, null)

  /** The listeners that have failed, the latest fault last. */
  get troubles (): ListenerTrouble[] {
    return [...this.#troubles.values()]
  }

  #say (notice: Notice, but: Heard | null): void {
    if (this.#depth >= DEEPEST) return
    this.#waiting.push({ notice, depth: this.#depth + 1, but })
    if (this.#depth >= 0) return
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#depth = next.depth
      this.#listeners.callAllBut(next.but, next.notice)
    }
    this.#depth = -1
  }

  /** The listener that failed is not called with it: it would fail again. */
  #report ({ listener, failures, error }: ListenerFault, but: Heard | null): void {
    const failure = failureOf(error)
    this.#troubles.delete(listener)
    this.#troubles.set(listener, { listener, failures, message: failure.message, at: this.#now() })
    if (this.#troubles.size > MOST_TROUBLES) this.#troubles.delete(this.#troubles.keys().next().value!)
    this.#say({ kind: 'listener_failed', listener, failures, error: failure }, but)
  }
}
