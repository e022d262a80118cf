import { RESULT_LIMITS, strictJson } from '../../model/json/json.ts'
import { checkpointNotJson, checkpointTooDeep, checkpointTooLarge, stepInvalid, stepNotJson, stepRepeated, stepTooDeep,
  stepsTooLarge } from '../../model/errors/run-errors.ts'
import { closed, opened } from '../../model/run/checkpoint.ts'
import type { Json } from '../../model/json/json.ts'

const LONGEST = 200

const stepsOf = (steps: ReadonlyMap<string, Json>): { [key: string]: Json } => Object.fromEntries(steps)

/** Copies values for a task, so that its changes do not affect the kept ones. */
const copyOf = (json: Json): Json => typeof json === 'object' && json !== null ? structuredClone(json) : json

/** The stored form of a state. Throws OFFPEAK_CHECKPOINT_TOO_LARGE, OFFPEAK_CHECKPOINT_TOO_DEEP,
 *  OFFPEAK_CHECKPOINT_NOT_JSON. */
function stateOf (value: unknown): Json {
  const { json, fault } = strictJson(value)
  if (fault === null) return json
  if (fault.kind === 'bytes') throw checkpointTooLarge(fault)
  throw fault.kind === 'depth' ? checkpointTooDeep(fault) : checkpointNotJson(fault)
}

/** The stored form of the result of a step. Throws OFFPEAK_STEPS_TOO_LARGE, OFFPEAK_STEP_TOO_DEEP,
 *  OFFPEAK_STEP_NOT_JSON. */
function stepResultOf (name: string, value: unknown): Json {
  const { json, fault } = strictJson(value)
  if (fault === null) return json
  if (fault.kind === 'bytes') {
    throw stepsTooLarge({ name, bytes: `more than ${RESULT_LIMITS.bytes}`, limit: RESULT_LIMITS.bytes })
  }
  throw fault.kind === 'depth' ? stepTooDeep({ name, fault }) : stepNotJson({ name, fault })
}

/** `stored`: the last argument of `store`, or null. `version`: of the definition in force. */
interface CheckpointOptions {
  stored: Json
  version: string
  store: (stored: Json) => Promise<void>
}

/** The data that a run keeps for later attempts: the state that its task saved and the results of its steps, stored as
 *  one value. A value that cannot be stored unchanged is refused and leaves the data as it was. */
export class Checkpoint {
  readonly #steps: Map<string, Json>
  readonly #begun = new Set<string>()
  readonly #store: CheckpointOptions['store']
  readonly #version: string
  #state: Json
  #savedBy: string

  constructor ({ stored, version, store }: CheckpointOptions) {
    const { state, steps, version: saved } = opened(stored)
    this.#steps = new Map(Object.entries(steps))
    this.#state = state
    this.#savedBy = saved ?? version
    this.#version = version
    this.#store = store
  }

  get state (): Json {
    return copyOf(this.#state)
  }

  /** True when another version of the definition saved the state, until the next save. Steps do not change it. */
  get changed (): boolean {
    return this.#savedBy !== this.#version
  }

  /** Saves the state; resolves when it is durable. The state is unchanged when that fails. Throws
   *  OFFPEAK_CHECKPOINT_TOO_LARGE, OFFPEAK_CHECKPOINT_TOO_DEEP, OFFPEAK_CHECKPOINT_NOT_JSON. */
  async save (value: unknown): Promise<void> {
    const state = stateOf(value)
    const before = { state: this.#state, savedBy: this.#savedBy }
    this.#state = state
    this.#savedBy = this.#version
    try {
      await this.#write()
    } catch (error) {
      if (this.#state === state) [this.#state, this.#savedBy] = [before.state, before.savedBy]
      throw error
    }
  }

  /** Returns the result of a step, executed now or by an earlier attempt. Throws OFFPEAK_STEP_INVALID,
   *  OFFPEAK_STEP_REPEATED, OFFPEAK_STEPS_TOO_LARGE, OFFPEAK_STEP_TOO_DEEP, OFFPEAK_STEP_NOT_JSON. */
  async step<T> (name: string, work: () => T | Promise<T>): Promise<T> {
    if (typeof name !== 'string' || name === '' || name === '__proto__' || name.length > LONGEST) {
      throw stepInvalid(name)
    }
    if (this.#begun.has(name)) throw stepRepeated(name)
    this.#begun.add(name)
    if (!this.#steps.has(name)) {
      this.#keep(name, stepResultOf(name, await work()))
      await this.#write()
    }
    // Returned as JSON also the first time, so that every attempt gets the same value.
    return copyOf(this.#steps.get(name)!) as T
  }

  #keep (name: string, result: Json): void {
    const bytes = Buffer.byteLength(JSON.stringify({ ...stepsOf(this.#steps), [name]: result }))
    if (bytes > RESULT_LIMITS.bytes) throw stepsTooLarge({ name, bytes, limit: RESULT_LIMITS.bytes })
    this.#steps.set(name, result)
  }

  async #write (): Promise<void> {
    await this.#store(closed({ state: this.#state, steps: stepsOf(this.#steps), version: this.#savedBy }))
  }
}
