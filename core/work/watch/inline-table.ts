import type { InlineRun } from '../../model/view/loop-block.ts'

/** Ints before the slots; the first counts the beats of the event loop. */
const HEAD_INTS = 4
/** At most this many runs are listed at once. */
const SLOTS = 64
/** Ints of a slot: its state, how long its run has blocked the loop (ms), and the length of its text. */
const SLOT_INTS = 3
const TEXT_BYTES = 208
const INTS = HEAD_INTS + SLOTS * SLOT_INTS
const BYTES = INTS * 4 + SLOTS * TEXT_BYTES

const STATE = 0
/** States of a slot: free, taken by a run that has returned a promise, taken by a run whose function has not returned
 *  yet. */
const [FREE, WAITING, CALLED] = [0, 1, 2]
const HELD = 1
const LENGTH = 2

/** The runs that are executed in the main thread, in memory that another thread can read while the event loop is
 *  blocked. The main thread enters and removes runs; the other one notes how long a run has blocked the loop. */
export class InlineTable {
  readonly memory: SharedArrayBuffer
  readonly #ints: Int32Array
  readonly #text: Buffer
  /** Free slots. */
  readonly #free: number[] = []

  constructor (memory = new SharedArrayBuffer(BYTES)) {
    this.memory = memory
    this.#ints = new Int32Array(memory, 0, INTS)
    this.#text = Buffer.from(memory, INTS * 4)
    for (let slot = SLOTS - 1; slot >= 0; slot--) this.#free.push(slot)
  }

  /** Counts a beat: the event loop runs. */
  beat (): void {
    Atomics.add(this.#ints, 0, 1)
  }

  /** The number of beats so far. */
  get beats (): number {
    return Atomics.load(this.#ints, 0)
  }

  /** Enters a run that begins. Returns its slot, or null when all slots are taken. */
  enter ({ id, task }: InlineRun): number | null {
    const slot = this.#free.pop()
    if (slot === undefined) return null
    const text = `${id} ${task}`
    const length = this.#text.write(text, slot * TEXT_BYTES, TEXT_BYTES, 'latin1')
    Atomics.store(this.#ints, placeOf(slot, LENGTH), length)
    Atomics.store(this.#ints, placeOf(slot, HELD), 0)
    Atomics.store(this.#ints, placeOf(slot, STATE), CALLED)
    return slot
  }

  /** Notes that the function of a run has returned; the run continues asynchronously. */
  returned (slot: number | null): void {
    if (slot !== null) Atomics.compareExchange(this.#ints, placeOf(slot, STATE), CALLED, WAITING)
  }

  /** Removes a run that has ended. Returns how long it blocked the loop, ms; 0 when it did not. */
  leave (slot: number | null): number {
    if (slot === null) return 0
    Atomics.store(this.#ints, placeOf(slot, STATE), FREE)
    this.#free.push(slot)
    return Atomics.load(this.#ints, placeOf(slot, HELD))
  }

  /** The runs that may block the loop: the run whose function has not returned, else all runs. */
  get holders (): InlineRun[] {
    const called = this.#taken(state => state === CALLED)
    return called.length > 0 ? called : this.#taken(state => state !== FREE)
  }

  /** Notes how long a run has blocked the loop, ms. */
  held (id: string, ms: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      const isTaken = Atomics.load(this.#ints, placeOf(slot, STATE)) !== FREE
      if (isTaken && this.#at(slot).id === id) Atomics.store(this.#ints, placeOf(slot, HELD), Math.round(ms))
    }
  }

  #taken (matches: (state: number) => boolean): InlineRun[] {
    const runs: InlineRun[] = []
    for (let slot = 0; slot < SLOTS; slot++) {
      if (matches(Atomics.load(this.#ints, placeOf(slot, STATE)))) runs.push(this.#at(slot))
    }
    return runs
  }

  #at (slot: number): InlineRun {
    const from = slot * TEXT_BYTES
    const text = this.#text.toString('latin1', from, from + Atomics.load(this.#ints, placeOf(slot, LENGTH)))
    const space = text.indexOf(' ')
    return { id: text.slice(0, space), task: text.slice(space + 1) }
  }
}

const placeOf = (slot: number, part: number) => HEAD_INTS + slot * SLOT_INTS + part
