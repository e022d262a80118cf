import type { LogLine } from '../../engine/reports.ts'

/** What is kept of a run's log: the first lines as they come, and the last ones when it ends. */
interface LineLimits {
  head: number
  tail: number
  signs: number
}

const LIMITS: LineLimits = { head: 2000, tail: 500, signs: 8000 }
const WARN = 40

const bounded = (text: string, signs: number) =>
  (text.length > signs ? `${text.slice(0, signs)} [${text.length - signs} characters left out]` : text).toWellFormed()
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
    const kept = { ...line, text: bounded(line.text, this.#limits.signs) }
    this.#count++
    if (this.#count <= this.#limits.head) return void this.#fresh.push(kept)
    this.#tail.push(kept)
    // Twice the tail before it is cut, so that a chatty task does not pay for a copy with every line.
    if (this.#tail.length >= 2 * this.#limits.tail) this.#tail = this.#tail.slice(-this.#limits.tail)
  }

  /** The lines that are to be stored now. */
  take (): LogLine[] {
    const lines = this.#fresh
    this.#fresh = []
    return lines
  }

  /** The lines that are left when the attempt is over, with a mark where some were left out. */
  end (): LogLine[] {
    if (this.#tail.length === 0) return this.take()
    const tail = this.#tail.slice(-this.#limits.tail)
    const out = this.#count - this.#limits.head - tail.length
    if (out > 0 && tail.length > 0) tail.unshift({ at: tail[0]!.at, level: WARN, text: `[${out} lines left out]` })
    this.#tail = []
    return [...this.take(), ...tail]
  }
}
