/** An item of a heap. `at`: its key. `place`: its index in the heap, -1 when it is not in one. */
export interface Item {
  at: number
  place: number
}

/** A binary heap of items by instant, in which items can be moved. Reading the earliest takes constant time, a change
 *  logarithmic time. Each item stores its index, so that none is searched for. */
export class Heap<T extends Item> {
  readonly #items: T[] = []

  get size (): number {
    return this.#items.length
  }

  /** The earliest item, or null. */
  get first (): T | null {
    return this.#items[0] ?? null
  }

  /** Adds or moves an item to an instant; null removes it. */
  set (item: T, at: number | null): void {
    if (at === null) return this.#remove(item)
    item.at = at
    if (item.place < 0) item.place = this.#items.push(item) - 1
    this.#settle(item)
  }

  /** Removes and returns every item at or before `now`, earliest first. */
  take (now: number): T[] {
    const taken: T[] = []
    for (let item = this.#items[0]; item !== undefined && item.at <= now; item = this.#items[0]) {
      taken.push(item)
      this.#remove(item)
    }
    return taken
  }

  #remove (item: T): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#items.pop()!
    if (last === item) return
    last.place = place
    this.#items[place] = last
    this.#settle(last)
  }

  #settle (item: T): void {
    if (!this.#rise(item)) this.#sink(item)
  }

  #put (item: T, place: number): void {
    this.#items[place] = item
    item.place = place
  }

  /** Returns true when the item has moved. */
  #rise (item: T): boolean {
    const from = item.place
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#items[parent]!.at <= item.at) break
      this.#put(this.#items[parent]!, place)
      place = parent
    }
    this.#put(item, place)
    return place !== from
  }

  #sink (item: T): void {
    const items = this.#items
    let place = item.place
    for (let child = 2 * place + 1; child < items.length; child = 2 * place + 1) {
      if (child + 1 < items.length && items[child + 1]!.at < items[child]!.at) child++
      if (items[child]!.at >= item.at) break
      this.#put(items[child]!, place)
      place = child
    }
    this.#put(item, place)
  }
}
