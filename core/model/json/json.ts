import { JsonWalk } from './json-walk.ts'
import type { Json, JsonFault, JsonLimits } from './json-limits.ts'

export type { Json, JsonFault } from './json-limits.ts'

/** The limits of a result, a checkpoint, the steps of a run and a payload. */
export const RESULT_LIMITS: JsonLimits = { bytes: 256 * 1024, depth: 32 }

/** The value as `JSON.stringify` converts it, except Map, Set, Error and typed arrays, which keep their content; or the
 *  first fault. Never throws, and stops reading at the limits, which bound its time. */
export function strictJson (
  value: unknown,
  limits: JsonLimits = RESULT_LIMITS
): { json: Json, fault: null } | { json: null, fault: JsonFault } {
  const walk = new JsonWalk(limits, 'strict')
  const json = walk.run(value)
  const [fault] = walk.faults
  return fault === undefined ? { json, fault: null } : { json: null, fault }
}

/** The value as JSON, with text in place of what JSON cannot represent; null when it is too large. `faults` names the
 *  replaced parts, at most ten. `bytes`: a lower bound of the size of the text. */
export function looseJson (
  value: unknown,
  limits: JsonLimits = RESULT_LIMITS
): { json: Json, faults: readonly JsonFault[], bytes: number } {
  const walk = new JsonWalk(limits, 'loose')
  const json = walk.run(value)
  return { json, faults: walk.faults, bytes: walk.bytes }
}

/** The value as JSON for people to read: text replaces what JSON cannot represent, and a value that is too large. */
export function shownJson (value: unknown, limits: JsonLimits): Json {
  const { json, faults } = looseJson(value, limits)
  const [whole] = faults
  return json !== null || whole === undefined || whole.pointer !== '' ? json : `[left out: it ${whole.detail}]`
}
