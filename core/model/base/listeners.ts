/** A listener that threw or rejected: its name, and how often. */
export interface ListenerFault {
  listener: string
  failures: number
  error: unknown
}

interface Entry<A extends unknown[]> {
  call: (...args: A) => unknown
  name: string
  failures: number
  isGone: boolean
}

/** A fault is reported the 1st, 10th, 100th, … time. */
const isReported = (failures: number): boolean => /^10*$/.test(String(failures))

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'

/** Functions that are called one after another in the order in which they were added. A listener that throws or rejects
 *  stays and does not affect the others. */
export class Listeners<A extends unknown[]> {
  readonly #failed: (fault: ListenerFault, listener: (...args: A) => unknown) => void
  /** Replaced, never changed: a call uses the listeners that existed when it began. */
  #entries: readonly Entry<A>[] = []

  constructor (failed: (fault: ListenerFault, listener: (...args: A) => unknown) => void) {
    this.#failed = failed
  }

  /** Returns an unsubscribe function. */
  add (call: (...args: A) => unknown, name = call.name): () => void {
    const entry: Entry<A> = { call, name: name || 'a listener without a name', failures: 0, isGone: false }
    this.#entries = [...this.#entries, entry]
    return () => {
      entry.isGone = true
      this.#entries = this.#entries.filter(one => one !== entry)
    }
  }

  call (...args: A): void {
    this.callAllBut(null, ...args)
  }

  callAllBut (left: ((...args: A) => unknown) | null, ...args: A): void {
    for (const entry of this.#entries) {
      if (entry.isGone || entry.call === left) continue
      try {
        const answer = entry.call(...args)
        if (isThenable(answer)) void answer.then(undefined, error => this.#note(entry, error))
      } catch (error) {
        this.#note(entry, error)
      }
    }
  }

  #note (entry: Entry<A>, error: unknown): void {
    entry.failures++
    if (isReported(entry.failures)) this.#failed({ listener: entry.name, failures: entry.failures, error }, entry.call)
  }
}
