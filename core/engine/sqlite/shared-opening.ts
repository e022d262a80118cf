interface Phases<T> {
  open: () => T | Promise<T>
  close: (opened: T) => Promise<void>
}

/** Something that several users start and stop: the first start opens it and the last stop closes it. Starts that come
 *  together share one opening, and stops share one closing. */
export class SharedOpening<T> {
  readonly #phases: Phases<T>
  #users = 0
  #opened: T | null = null
  #opening: Promise<void> | null = null
  #closing: Promise<void> = Promise.resolve()

  constructor (phases: Phases<T>) {
    this.#phases = phases
  }

  /** What is open, or null. */
  get open (): T | null {
    return this.#opened
  }

  /** The number of users that have started it and not stopped it. */
  get users (): number {
    return this.#users
  }

  /** Resolves when it is open. Rejects when it cannot be opened; the next start tries again. */
  acquire (): Promise<void> {
    this.#users += 1
    return this.#opening ?? this.#begin()
  }

  /** Resolves when it is closed, or at once when others still use it. Waits for a start that is under way. */
  release (): Promise<void> {
    this.#users = Math.max(0, this.#users - 1)
    if (this.#users > 0) return Promise.resolve()
    if (this.#opening === null) return this.#closing
    const current = this.#opening
    this.#opening = null
    const end = () => this.#end()
    return this.#closing = this.#opened === null ? current.then(end, () => undefined) : end()
  }

  #begin (): Promise<void> {
    const current: Promise<void> = this.#closing.catch(() => undefined).then(this.#phases.open).then(opened => {
      this.#opened = opened
    }).catch(error => {
      if (this.#opening === current) {
        this.#opening = null
        this.#users = 0
      }
      throw error
    })
    return this.#opening = current
  }

  async #end (): Promise<void> {
    const opened = this.#opened
    this.#opened = null
    if (opened !== null) await this.#phases.close(opened)
  }
}
