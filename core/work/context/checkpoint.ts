import { RESULT_LIMITS, strictJson } from '../../model/json/json.ts'
import { checkpointNotJson, checkpointTooDeep, checkpointTooLarge, stepInvalid, stepNotJson, stepRepeated, stepTooDeep,
  stepsTooLarge } from '../../model/errors/run-errors.ts'
import { closed, opened } from '../../model/run/checkpoint.ts'
import type { Json } from '../../model/json/json.ts'

const LONGEST = 200

const wordsOf = (steps: ReadonlyMap<string, Json>): { [key: string]: Json } => Object.fromEntries(steps)

/** What a task is given is its own: what it changes there is not what is kept. */
const copyOf = (json: Json): Json => typeof json === 'object' && json !== null ? structuredClone(json) : json

/** The state as it is stored. Throws OFFPEAK_CHECKPOINT_TOO_LARGE, OFFPEAK_CHECKPOINT_TOO_DEEP,
 *  OFFPEAK_CHECKPOINT_NOT_JSON. */
function stateOf (value: unknown): Json {
  const { json, fault } = strictJson(value)
  if (fault === null) return json
  if (fault.kind === 'bytes') throw checkpointTooLarge(fault)
  throw fault.kind === 'depth' ? checkpointTooDeep(fault) : checkpointNotJson(fault)
}

/** The result of a step as it is stored. Throws OFFPEAK_STEPS_TOO_LARGE, OFFPEAK_STEP_TOO_DEEP,
 *  OFFPEAK_STEP_NOT_JSON. */
function stepResultOf (name: string, value: unknown): Json {
  const { json, fault } = strictJson(value)
  if (fault === null) return json
  if (fault.kind === 'bytes') {
    throw stepsTooLarge({ name, bytes: `more than ${RESULT_LIMITS.bytes}`, limit: RESULT_LIMITS.bytes })
  }
  throw fault.kind === 'depth' ? stepTooDeep({ name, fault }) : stepNotJson({ name, fault })
}

/** `stored` is what `store` was last called with, or null; `version` is that of the definition in force. */
interface CheckpointOptions {
  stored: Json
  version: string
  store: (stored: Json) => Promise<void>
}

/** What a run has kept for its later attempts: the state that its task saved and the results of its steps, stored as
 *  one. What cannot be kept as it is is refused, and what was kept before stays. */
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

  /** True as long as the state is one that another version of the definition has saved: a step does not change that, a
   *  save does. */
  get changed (): boolean {
    return this.#savedBy !== this.#version
  }

  /** Resolves when it is durable; the state is as it was when that fails. Throws OFFPEAK_CHECKPOINT_TOO_LARGE,
   *  OFFPEAK_CHECKPOINT_TOO_DEEP, OFFPEAK_CHECKPOINT_NOT_JSON. */
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

  /** The result of the step, done now or by an earlier attempt. Throws OFFPEAK_STEP_INVALID, OFFPEAK_STEP_REPEATED,
   *  OFFPEAK_STEPS_TOO_LARGE, OFFPEAK_STEP_TOO_DEEP, OFFPEAK_STEP_NOT_JSON. */
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
    // As JSON also the first time, so that no attempt sees another thing than the next.
    return copyOf(this.#steps.get(name)!) as T
  }

  #keep (name: string, result: Json): void {
    const bytes = Buffer.byteLength(JSON.stringify({ ...wordsOf(this.#steps), [name]: result }))
    if (bytes > RESULT_LIMITS.bytes) throw stepsTooLarge({ name, bytes, limit: RESULT_LIMITS.bytes })
    this.#steps.set(name, result)
  }

  async #write (): Promise<void> {
    await this.#store(closed({ state: this.#state, steps: wordsOf(this.#steps), version: this.#savedBy }))
  }
}
