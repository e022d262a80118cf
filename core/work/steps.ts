import { RESULT_LIMITS, storable } from '../model/json.ts'
import { stepInvalid, stepRepeated, stepsTooLarge } from '../model/errors.ts'
import type { Json } from '../model/json.ts'

/** Marks a stored checkpoint that holds results of steps beside what the task saved. */
const MARK = 'offpeak_steps'
const LONGEST = 200

const isPlain = (value: Json): value is { [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value)

const wordsOf = (steps: ReadonlyMap<string, Json>): { [key: string]: Json } => Object.fromEntries(steps)

/** What a run has kept for its later attempts: the state that its task saved and the results of its steps, stored as one. */
export class Memory {
  readonly #steps: Map<string, Json>
  readonly #begun = new Set<string>()
  readonly #store: (stored: Json) => Promise<void>
  #state: Json

  /** `stored` is what `store` was last called with, or null. */
  constructor (stored: Json, store: (stored: Json) => Promise<void>) {
    const kept = isPlain(stored) && Object.hasOwn(stored, MARK) ? stored[MARK]! : null
    this.#steps = new Map(isPlain(kept) ? Object.entries(kept) : [])
    this.#state = kept === null ? stored : (stored as { state: Json }).state
    this.#store = store
  }

  get state (): Json {
    return this.#state
  }

  /** Resolves when it is durable; the state is as it was when that fails. */
  async save (state: Json): Promise<void> {
    const before = this.#state
    this.#state = state
    try {
      await this.#write()
    } catch (error) {
      if (this.#state === state) this.#state = before
      throw error
    }
  }

  /** The result of the step, done now or by an earlier attempt. Throws OFFPEAK_STEP_INVALID, OFFPEAK_STEP_REPEATED, OFFPEAK_STEPS_TOO_LARGE. */
  async step<T> (name: string, work: () => T | Promise<T>): Promise<T> {
    if (typeof name !== 'string' || name === '' || name === '__proto__' || name.length > LONGEST) throw stepInvalid(name)
    if (this.#begun.has(name)) throw stepRepeated(name)
    this.#begun.add(name)
    if (this.#steps.has(name)) return this.#steps.get(name) as T
    const result = storable(await work())
    this.#keep(name, result)
    await this.#write()
    // As JSON also the first time, so that no attempt sees another thing than the next.
    return result as T
  }

  #keep (name: string, result: Json): void {
    const bytes = Buffer.byteLength(JSON.stringify({ ...wordsOf(this.#steps), [name]: result }))
    if (bytes > RESULT_LIMITS.bytes) throw stepsTooLarge({ name, bytes, limit: RESULT_LIMITS.bytes })
    this.#steps.set(name, result)
  }

  async #write (): Promise<void> {
    await this.#store(this.#steps.size === 0 ? this.#state : { [MARK]: wordsOf(this.#steps), state: this.#state })
  }
}
