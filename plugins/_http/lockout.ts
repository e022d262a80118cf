const FREE_TRIES = 5
const FIRST_WAIT = 1000
const LONGEST_WAIT = 5 * 60_000
const FORGIVEN_AFTER = 15 * 60_000
const MOST_ADDRESSES = 10_000

interface Tries {
  wrong: number
  until: number
  last: number
}

/** Counts wrong tokens by address. After a few, each wrong token doubles the time in which further ones are refused
 *  without a check. Many clients can share an address, such as programs of this machine or those behind a proxy: the
 *  caller checks for a valid token first, and does not count it. */
export class Lockout {
  readonly #tries = new Map<string, Tries>()

  /** Milliseconds until a wrong token from the address is answered again; 0: now. */
  wait (address: string, now: number): number {
    return Math.max(0, (this.#tries.get(address)?.until ?? 0) - now)
  }

  wrong (address: string, now: number): void {
    const known = this.#tries.get(address)
    const wrong = known === undefined || now - known.last > FORGIVEN_AFTER ? 1 : known.wrong + 1
    const wait = wrong < FREE_TRIES ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(wrong - FREE_TRIES, 20))
    // Deleted and set again: the first key is the address with the oldest attempt.
    this.#tries.delete(address)
    this.#tries.set(address, { wrong, until: now + wait, last: now })
    if (this.#tries.size > MOST_ADDRESSES) this.#tries.delete(this.#tries.keys().next().value!)
  }
}
