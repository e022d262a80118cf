import { foundWords } from '../base/check.ts'
import { inputInvalid } from '../errors/input-errors.ts'
import { strictJson } from '../json/json.ts'
import type { Json, JsonFault } from '../json/json.ts'

/** A fault of a payload with its pointer in the request. */
export const payloadFault = ({ pointer, detail }: JsonFault) => ({ pointer: `/payload${pointer}`, detail })

/** The payload as it is stored; throws OFFPEAK_INPUT_INVALID when it is too deep, too large or not JSON. */
export function payloadJson (task: string, payload: unknown): Json {
  const { json, fault } = strictJson(payload)
  if (fault === null) return json
  throw inputInvalid({ what: `The payload does not fit task '${task}'`, errors: [payloadFault(fault)] })
}

/** Maximum length of a key, and maximum number of prerequisites of a run. */
const MOST_KEY = 200
const MOST_AFTER = 1000

type Plain = Record<string, unknown>

const isObject = (value: unknown): value is Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const SHAPE: readonly { key: string, isFit: (value: unknown) => boolean, expected: string }[] = [
  {
    key: 'key',
    isFit: value => typeof value === 'string' && value !== '' && value.length <= MOST_KEY,
    expected: `a text of 1 to ${MOST_KEY} characters`
  },
  { key: 'delay', isFit: value => value !== null, expected: 'a duration' },
  { key: 'unique', isFit: isObject, expected: 'an object' },
  {
    key: 'after',
    isFit: value =>
      Array.isArray(value) && value.length <= MOST_AFTER &&
      value.every(one => typeof one === 'string' || isObject(one)),
    expected: `a list of at most ${MOST_AFTER} ids of runs`
  }
]

const faultIn = (value: unknown, { key, isFit, expected }: typeof SHAPE[number]) =>
  value === undefined || isFit(value)
    ? []
    : [{ pointer: `/${key}`, detail: `found ${foundWords(value)}, expected ${expected}` }]

/** Checks an enqueue request except its payload, with the limits that routes apply: requests from code have not passed
 *  a schema. Throws OFFPEAK_INPUT_INVALID. */
export function checkAsk (ask: unknown): void {
  const errors = isObject(ask)
    ? SHAPE.flatMap(shape => faultIn(ask[shape.key], shape))
    : [{ pointer: '', detail: `found ${foundWords(ask)}, expected an object` }]
  if (errors.length > 0) throw inputInvalid({ what: 'The run was not added', errors })
}
