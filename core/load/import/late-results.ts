/** Results of imports that no scan has waited for. The next scan takes each of them once. */
export class LateResults<T> {
  readonly #files = new Map<string, { hash: string, value: T | null }>()

  /** The files without a result yet. */
  get coming (): string[] {
    return [...this.#files].filter(([, { value }]) => value === null).map(([file]) => file)
  }

  /** A scan continues without the result of this version. */
  add (file: string, hash: string): void {
    this.#files.set(file, { hash, value: null })
  }

  /** Stores a result; false when a scan is waiting for it. */
  came (file: string, value: T): boolean {
    const late = this.#files.get(file)
    if (late !== undefined) late.value = value
    return late !== undefined
  }

  /** Forgets files that no longer exist. */
  only (here: ReadonlySet<string>): void {
    for (const file of this.#files.keys()) if (!here.has(file)) this.#files.delete(file)
  }

  /** The result of a version; null: still running, undefined: not tried. */
  take (file: string, hash: string): T | null | undefined {
    const late = this.#files.get(file)
    if (late?.hash !== hash) return undefined
    if (late.value !== null) this.#files.delete(file)
    return late.value
  }
}
