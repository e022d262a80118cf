/** What comes of versions of files after the look that asked has gone on without it: told to the next look, once. */
export class LateResults<T> {
  readonly #files = new Map<string, { hash: string, value: T | null }>()

  /** The files of which nothing has come yet. */
  get coming (): string[] {
    return [...this.#files].filter(([, { value }]) => value === null).map(([file]) => file)
  }

  /** A look goes on without it. */
  add (file: string, hash: string): void {
    this.#files.set(file, { hash, value: null })
  }

  /** It has come; false when a look has waited for it. */
  came (file: string, value: T): boolean {
    const late = this.#files.get(file)
    if (late !== undefined) late.value = value
    return late !== undefined
  }

  /** Forgets the files that are not there any more. */
  only (here: ReadonlySet<string>): void {
    for (const file of this.#files.keys()) if (!here.has(file)) this.#files.delete(file)
  }

  /** What has come of a version; null: nothing yet, undefined: nobody has tried it. */
  take (file: string, hash: string): T | null | undefined {
    const late = this.#files.get(file)
    if (late?.hash !== hash) return undefined
    if (late.value !== null) this.#files.delete(file)
    return late.value
  }
}
