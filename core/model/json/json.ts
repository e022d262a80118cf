import { JsonWalk } from './json-walk.ts'
import type { Json, JsonFault, JsonLimits } from './json-limits.ts'

export type { Json, JsonFault } from './json-limits.ts'

/** What a result, a checkpoint, the steps of a run and a payload may be. */
export const RESULT_LIMITS: JsonLimits = { bytes: 256 * 1024, depth: 32 }

/** The value as `JSON.stringify` would keep it, besides Map, Set, Error and typed arrays, which keep their content; or
 *  the first fault. Never throws, and stops at the limits: the time it takes is bounded by them, not by the value. */
export function strictJson (
  value: unknown,
  limits: JsonLimits = RESULT_LIMITS
): { json: Json, fault: null } | { json: null, fault: JsonFault } {
  const walk = new JsonWalk(limits, 'strict')
  const json = walk.run(value)
  const [fault] = walk.faults
  return fault === undefined ? { json, fault: null } : { json: null, fault }
}

/** The same, but what JSON cannot carry is replaced by words and named in `faults` (at most ten of them); null when it
 *  is too large. `bytes`: of the text, at least. */
export function looseJson (
  value: unknown,
  limits: JsonLimits = RESULT_LIMITS
): { json: Json, faults: readonly JsonFault[], bytes: number } {
  const walk = new JsonWalk(limits, 'loose')
  const json = walk.run(value)
  return { json, faults: walk.faults, bytes: walk.bytes }
}

/** The value as JSON for people to read: what cannot be carried is words in its place, also a value that is too
 *  large. */
export function shownJson (value: unknown, limits: JsonLimits): Json {
  const { json, faults } = looseJson(value, limits)
  const [whole] = faults
  return json !== null || whole === undefined || whole.pointer !== '' ? json : `[left out: it ${whole.detail}]`
}
