import { Listeners } from '../../model/base/listeners.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Listener, Notice } from '../../model/notice.ts'
import type { ListenerFault } from '../../model/base/listeners.ts'

/** A failing listener, for health. `at`: epoch ms of its last failure. */
export interface ListenerTrouble {
  listener: string
  failures: number
  message: string
  at: number
}

type NoticeListener = (notice: Notice) => unknown

interface Waiting {
  notice: Notice
  depth: number
  but: NoticeListener | null
}

/** The depth limit of notices that listeners send in response to notices, which prevents endless recursion. */
const DEEPEST = 16

const MOST_TROUBLES = 50

/** Delivers every notice to every listener. A notice that a listener sends is delivered after the current one has been
 *  delivered to all. */
export class Notices {
  readonly #now: () => number
  readonly #troubles = new Map<string, ListenerTrouble>()
  readonly #waiting: Waiting[] = []
  readonly #listeners = new Listeners<[Notice]>((fault, listener) => this.#report(fault, listener))
  /** The depth of the notice that is being delivered; -1 between deliveries. */
  #depth = -1

  constructor ({ now }: { now: () => number }) {
    this.#now = now
  }

  /** Calls a listener with every notice from now on; returns an unsubscribe function. `name`: identifies the listener
   *  in health and in the log when it fails. */
  listen (listener: Listener, name?: string): () => void {
    return this.#listeners.add(listener, name)
  }

  readonly send = (notice: Notice): void => this.#send(notice, null)

  /** Reports the failure of a listener of another part of the manager. */
  readonly report = (fault: ListenerFault): void => this.#report(fault, null)

  /** The listeners that have failed, the latest fault last. */
  get troubles (): ListenerTrouble[] {
    return [...this.#troubles.values()]
  }

  #send (notice: Notice, but: NoticeListener | null): void {
    if (this.#depth >= DEEPEST) return
    this.#waiting.push({ notice, depth: this.#depth + 1, but })
    if (this.#depth >= 0) return
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      this.#depth = next.depth
      this.#listeners.callAllBut(next.but, next.notice)
    }
    this.#depth = -1
  }

  /** The listener that failed is not called with the notice of its failure: it would fail again. */
  #report ({ listener, failures, error }: ListenerFault, but: NoticeListener | null): void {
    const failure = failureOf(error)
    this.#troubles.delete(listener)
    this.#troubles.set(listener, { listener, failures, message: failure.message, at: this.#now() })
    if (this.#troubles.size > MOST_TROUBLES) this.#troubles.delete(this.#troubles.keys().next().value!)
    this.#send({ kind: 'listener_failed', listener, failures, error: failure }, but)
  }
}
