import type { Json } from '../json/json.ts'

/** Marks what is stored as more than the state alone; before it was always there, a state could stand by itself. */
const MARK = 'offpeak_steps'

/** What becomes of a checkpoint that was saved under another version of the definition: it is given back, or the run
 *  begins without it. */
export const ON_CHANGED = ['keep', 'restart'] as const
export type OnChanged = typeof ON_CHANGED[number]

/** What a run has kept for its later attempts: the state that its task saved, the results of its steps, and the version
 *  of the definition that saved them; null: nobody knows. */
interface Checkpoint {
  state: Json
  steps: Readonly<Record<string, Json>>
  version: string | null
}

type Fields = { [key: string]: Json }

const isPlain = (value: Json | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The parts of a checkpoint as it is stored. */
export function opened (stored: Json): Checkpoint {
  const steps = isPlain(stored) && Object.hasOwn(stored, MARK) ? stored[MARK] : null
  if (!isPlain(steps)) return { state: stored, steps: {}, version: null }
  const { state = null, version = null } = stored as Fields
  return { state, steps, version: typeof version === 'string' ? version : null }
}

/** A checkpoint as it is stored. */
export const closed = ({ state, steps, version }: Checkpoint): Json => ({ [MARK]: { ...steps }, state, version })

/** True when something is kept that another version of the definition has saved. */
export function isChanged (stored: Json, version: string): boolean {
  const saved = stored === null ? null : opened(stored).version
  return saved !== null && saved !== version
}

/** A checkpoint as REST shows it: of the steps their names; null when there is none. */
export function checkpointView (stored: Json): { version: string | null, state: Json, steps: string[] } | null {
  if (stored === null) return null
  const { version, state, steps } = opened(stored)
  return { version, state, steps: Object.keys(steps) }
}
