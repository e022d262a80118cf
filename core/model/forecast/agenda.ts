/** A queue of events in order of their instants; at the same instant the lower phase comes first. */
export class Agenda {
  readonly #heap: { at: number, phase: number, act: () => void }[] = []

  get size (): number {
    return this.#heap.length
  }

  add (at: number, phase: number, act: () => void): void {
    const heap = this.#heap
    const event = { at, phase, act }
    let place = heap.push(event) - 1
    for (let above = (place - 1) >> 1; place > 0 && precedes(event, heap[above]!); above = (place - 1) >> 1) {
      heap[place] = heap[above]!
      place = above
    }
    heap[place] = event
  }

  /** Runs the next event at or before `to`; false when there is none. */
  step (to: number): boolean {
    const first = this.#heap[0]
    if (first === undefined || first.at > to) return false
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) this.#sink(last)
    first.act()
    return true
  }

  #sink (event: { at: number, phase: number, act: () => void }): void {
    const heap = this.#heap
    let place = 0
    for (let below = 1; below < heap.length; below = 2 * place + 1) {
      if (below + 1 < heap.length && precedes(heap[below + 1]!, heap[below]!)) below++
      if (!precedes(heap[below]!, event)) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = event
  }
}

const precedes = (
  a: { at: number, phase: number },
  b: { at: number, phase: number }
): boolean => a.at < b.at || (a.at === b.at && a.phase < b.phase)
