import type { InlineRun } from '../../model/view/loop-block.ts'

/** Ints at the head: how often the loop has come round. */
const HEAD_INTS = 4
/** Runs beyond so many at once are not listed. */
const SLOTS = 64
/** Ints of a slot: whether it is taken and how, how long its run has held the loop (ms), how long its text is. */
const SLOT_INTS = 3
const TEXT_BYTES = 208
const INTS = HEAD_INTS + SLOTS * SLOT_INTS
const BYTES = INTS * 4 + SLOTS * TEXT_BYTES

const TAKEN = 0
/** What a slot is: nobody's, of a run that has returned a promise, of one whose function has not returned yet. */
const [FREE, WAITING, CALLED] = [0, 1, 2]
const HELD = 1
const LENGTH = 2

/** The runs that are executed in the thread of the event loop, in memory that another thread can read while that one
 *  stands. One thread enters and leaves; the other notes how long a run has held the loop. */
export class InlineTable {
  readonly memory: SharedArrayBuffer
  readonly #ints: Int32Array
  readonly #text: Buffer
  /** Slots that nobody has. */
  readonly #free: number[] = []

  constructor (memory = new SharedArrayBuffer(BYTES)) {
    this.memory = memory
    this.#ints = new Int32Array(memory, 0, INTS)
    this.#text = Buffer.from(memory, INTS * 4)
    for (let slot = SLOTS - 1; slot >= 0; slot--) this.#free.push(slot)
  }

  /** Says that the loop has come round. */
  beat (): void {
    Atomics.add(this.#ints, 0, 1)
  }

  /** How often the loop has come round. */
  get beats (): number {
    return Atomics.load(this.#ints, 0)
  }

  /** A run begins; returns its slot, or null when all are taken. */
  enter ({ id, task }: InlineRun): number | null {
    const slot = this.#free.pop()
    if (slot === undefined) return null
    const text = `${id} ${task}`
    const length = this.#text.write(text, slot * TEXT_BYTES, TEXT_BYTES, 'latin1')
    Atomics.store(this.#ints, placeOf(slot, LENGTH), length)
    Atomics.store(this.#ints, placeOf(slot, HELD), 0)
    Atomics.store(this.#ints, placeOf(slot, TAKEN), CALLED)
    return slot
  }

  /** The function of a run has returned: what it goes on with comes later. */
  returned (slot: number | null): void {
    if (slot !== null) Atomics.compareExchange(this.#ints, placeOf(slot, TAKEN), CALLED, WAITING)
  }

  /** A run is over; returns for how long it has held the loop (ms), 0 when it has not. */
  leave (slot: number | null): number {
    if (slot === null) return 0
    Atomics.store(this.#ints, placeOf(slot, TAKEN), FREE)
    this.#free.push(slot)
    return Atomics.load(this.#ints, placeOf(slot, HELD))
  }

  /** The runs that may hold the loop: the one whose function has been called and has not returned, else all that are
   *  there. */
  get holders (): InlineRun[] {
    const called = this.#taken(state => state === CALLED)
    return called.length > 0 ? called : this.#taken(state => state !== FREE)
  }

  /** Notes for how long a run has held the loop. */
  held (id: string, ms: number): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      const isTaken = Atomics.load(this.#ints, placeOf(slot, TAKEN)) !== FREE
      if (isTaken && this.#at(slot).id === id) Atomics.store(this.#ints, placeOf(slot, HELD), Math.round(ms))
    }
  }

  #taken (is: (state: number) => boolean): InlineRun[] {
    const runs: InlineRun[] = []
    for (let slot = 0; slot < SLOTS; slot++) {
      if (is(Atomics.load(this.#ints, placeOf(slot, TAKEN)))) runs.push(this.#at(slot))
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
