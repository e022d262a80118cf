import type { Json } from '../json/json.ts'

/** Marks a stored checkpoint that holds more than the state. Older checkpoints without it are the state alone. */
const MARK = 'offpeak_steps'

/** What happens to a checkpoint saved under another version of the definition: the run keeps it or starts without
 *  it. */
export const ON_CHANGED = ['keep', 'restart'] as const
export type OnChanged = typeof ON_CHANGED[number]

/** What a run keeps for later attempts: the state its task saved, the results of its steps by name, and the version of
 *  the definition that saved them; null: unknown. */
interface Checkpoint {
  state: Json
  steps: Readonly<Record<string, Json>>
  version: string | null
}

type Fields = { [key: string]: Json }

const isPlain = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads a stored checkpoint. */
export function opened (stored: Json): Checkpoint {
  const steps = isPlain(stored) && Object.hasOwn(stored, MARK) ? stored[MARK] : null
  if (!isPlain(steps)) return { state: stored, steps: {}, version: null }
  const { state = null, version = null } = stored as Fields
  return { state, steps, version: typeof version === 'string' ? version : null }
}

/** The checkpoint in its stored form. */
export const closed = ({ state, steps, version }: Checkpoint): Json => ({ [MARK]: { ...steps }, state, version })

/** True when the stored checkpoint was saved by another version of the definition. */
export function isChanged (stored: Json, version: string): boolean {
  const saved = stored === null ? null : opened(stored).version
  return saved !== null && saved !== version
}

/** A checkpoint as REST shows it, with the names of its steps; null when there is none. */
export function checkpointView (stored: Json): { version: string | null, state: Json, steps: string[] } | null {
  if (stored === null) return null
  const { version, state, steps } = opened(stored)
  return { version, state, steps: Object.keys(steps) }
}
