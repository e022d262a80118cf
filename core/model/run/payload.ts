import { inputInvalid } from '../base/errors.ts'
import { strictJson } from '../base/json.ts'
import type { Json, JsonFault } from '../base/json.ts'

/** A fault of a payload, at its place in what was asked for. */
export const payloadFault = ({ pointer, detail }: JsonFault) => ({ pointer: `/payload${pointer}`, detail })

/** The payload as it is stored; throws OFFPEAK_INPUT_INVALID when it is too deep, too large or not JSON. */
export function payloadJson (task: string, payload: unknown): Json {
  const { json, fault } = strictJson(payload)
  if (fault === null) return json
  throw inputInvalid({ what: `The payload does not fit task '${task}'`, errors: [payloadFault(fault)] })
}
