/** Waits for files as long as results keep arriving, because on a slow machine all are slow. The time begins with the
 *  first wait. */
export class IdleTimeout {
  readonly #ms: number
  readonly #elapsed: () => number
  readonly #came = new Set<string>()
  #cameAt: number | null = null

  /** `ms`: the longest time without a result; `elapsed`: monotonic ms. */
  constructor ({ ms, elapsed }: { ms: number, elapsed: () => number }) {
    this.#ms = ms
    this.#elapsed = elapsed
  }

  came (file: string): void {
    this.#cameAt = this.#elapsed()
    this.#came.add(file)
  }

  /** Calls `over` when no result has arrived for too long, unless the file has one. */
  wait (file: string, over: () => void): void {
    if (this.#came.has(file)) return
    this.#cameAt ??= this.#elapsed()
    const rest = this.#cameAt + this.#ms - this.#elapsed()
    if (rest <= 0) over()
    else setTimeout(() => this.wait(file, over), rest)
  }
}
