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

/** Wrong tokens by address: after a few, each one doubles the time in which no other wrong one is answered with more
 *  than that. Behind one address may be many, a program of this machine or everybody behind a relay: the right token is
 *  looked at first, and is not counted here. */
export class Lockout {
  readonly #tries = new Map<string, Tries>()

  /** Milliseconds in which no wrong token from the address is answered. */
  wait (address: string, now: number): number {
    return Math.max(0, (this.#tries.get(address)?.until ?? 0) - now)
  }

  wrong (address: string, now: number): void {
    const known = this.#tries.get(address)
    const wrong = known === undefined || now - known.last > FORGIVEN_AFTER ? 1 : known.wrong + 1
    const wait = wrong < FREE_TRIES ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(wrong - FREE_TRIES, 20))
    // Deleted and set again, so that the first key is always the one that was quiet longest.
    this.#tries.delete(address)
    this.#tries.set(address, { wrong, until: now + wait, last: now })
    if (this.#tries.size > MOST_ADDRESSES) this.#tries.delete(this.#tries.keys().next().value!)
  }
}
