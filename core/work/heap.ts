/** A binary heap of keys by instant, in which a key can be moved: the earliest is read in constant time, a change costs a logarithm. */
export class Heap {
  readonly #keys: string[] = []
  readonly #at: number[] = []
  readonly #index = new Map<string, number>()

  get size (): number {
    return this.#keys.length
  }

  /** The earliest instant, or null. */
  get first (): number | null {
    return this.#at[0] ?? null
  }

  /** Puts a key at an instant; null takes it out. */
  set (key: string, at: number | null): void {
    const index = this.#index.get(key)
    if (at === null) return index === undefined ? undefined : this.#remove(index)
    if (index === undefined) {
      this.#place(this.#keys.length, key, at)
      return this.#rise(this.#keys.length - 1)
    }
    this.#at[index] = at
    this.#rise(index)
    this.#sink(this.#index.get(key)!)
  }

  /** Takes out every key at or before `now`, earliest first. */
  take (now: number): string[] {
    const taken: string[] = []
    while (this.#at.length > 0 && this.#at[0]! <= now) {
      taken.push(this.#keys[0]!)
      this.#remove(0)
    }
    return taken
  }

  #place (index: number, key: string, at: number): void {
    this.#keys[index] = key
    this.#at[index] = at
    this.#index.set(key, index)
  }

  #remove (index: number): void {
    this.#index.delete(this.#keys[index]!)
    const key = this.#keys.pop()!
    const at = this.#at.pop()!
    if (index === this.#keys.length) return
    this.#place(index, key, at)
    this.#rise(index)
    this.#sink(this.#index.get(key)!)
  }

  #rise (from: number): void {
    let index = from
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#at[parent]! <= this.#at[index]!) return
      this.#swap(index, parent)
      index = parent
    }
  }

  #sink (from: number): void {
    let index = from
    for (;;) {
      const left = 2 * index + 1
      const right = left + 1
      let least = index
      if (left < this.#at.length && this.#at[left]! < this.#at[least]!) least = left
      if (right < this.#at.length && this.#at[right]! < this.#at[least]!) least = right
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #swap (a: number, b: number): void {
    const key = this.#keys[a]!
    const at = this.#at[a]!
    this.#place(a, this.#keys[b]!, this.#at[b]!)
    this.#place(b, key, at)
  }
}
