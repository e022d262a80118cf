/** Waits for files as long as one after the other comes: on a slow machine all of them take their time. It begins with
 *  the first that is waited for, not while what reads them starts. */
export class IdleTimeout {
  readonly #ms: number
  readonly #elapsed: () => number
  readonly #came = new Set<string>()
  #cameAt: number | null = null

  /** `ms`: how long nothing may come; `elapsed`: monotonic ms. */
  constructor ({ ms, elapsed }: { ms: number, elapsed: () => number }) {
    this.#ms = ms
    this.#elapsed = elapsed
  }

  came (file: string): void {
    this.#cameAt = this.#elapsed()
    this.#came.add(file)
  }

  /** Calls `over` once nothing has come for too long, unless the file has. */
  wait (file: string, over: () => void): void {
    if (this.#came.has(file)) return
    this.#cameAt ??= this.#elapsed()
    const rest = this.#cameAt + this.#ms - this.#elapsed()
    if (rest <= 0) over()
    else setTimeout(() => this.wait(file, over), rest)
  }
}
