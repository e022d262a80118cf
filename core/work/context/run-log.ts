import type { LogLine } from '../../engine/reports.ts'

/** The limits of the log of a run: the first lines are stored as they arrive, and the last ones at the end. */
interface LineLimits {
  head: number
  tail: number
  characters: number
}

const LIMITS: LineLimits = { head: 2000, tail: 500, characters: 8000 }
const WARN = 40

const bounded = (text: string, characters: number) =>
  (text.length > characters ? `${text.slice(0, characters)} [${text.length - characters} characters left out]` : text)
    .toWellFormed()
    .replaceAll('\u0000', '\uFFFD')

/** The log of one attempt, bounded in lines and in the length of each. */
export class RunLines {
  readonly #limits: LineLimits
  #fresh: LogLine[] = []
  #tail: LogLine[] = []
  #count = 0

  constructor (limits: LineLimits = LIMITS) {
    this.#limits = limits
  }

  write (line: LogLine): void {
    const kept = { ...line, text: bounded(line.text, this.#limits.characters) }
    this.#count++
    if (this.#count <= this.#limits.head) return void this.#fresh.push(kept)
    this.#tail.push(kept)
    // Cut at twice the tail, so that not every line causes a copy.
    if (this.#tail.length >= 2 * this.#limits.tail) this.#tail = this.#tail.slice(-this.#limits.tail)
  }

  /** Removes and returns the lines to store now. */
  take (): LogLine[] {
    const lines = this.#fresh
    this.#fresh = []
    return lines
  }

  /** The remaining lines at the end of the attempt, with a line that counts those left out. */
  end (): LogLine[] {
    if (this.#tail.length === 0) return this.take()
    const tail = this.#tail.slice(-this.#limits.tail)
    const out = this.#count - this.#limits.head - tail.length
    if (out > 0 && tail.length > 0) tail.unshift({ at: tail[0]!.at, level: WARN, text: `[${out} lines left out]` })
    this.#tail = []
    return [...this.take(), ...tail]
  }
}
