import { Compile } from 'typebox/compile'
import type { TSchema } from 'typebox'
import { foundWords, pathOf } from '../../model/base/check.ts'
import type { Detail } from '../../model/errors/errors.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { strictJson } from '../../model/json/json.ts'
import { payloadFault } from '../../model/run/payload.ts'
import { boundWordFaults } from '../../model/task/bound-schema.ts'
import { compileTrigger } from '../../model/trigger.ts'
import type { Data } from './read-definition.ts'
import { within } from './within.ts'

/** Faults of a trigger and its arguments. `zone`: the time zone of a definition without one. */
export function triggerFaults ({ trigger, trigger_args: args = {}, timezone }: Data, zone: string): Detail[] {
  if (trigger === undefined || trigger === null) return []
  try {
    compileTrigger({ trigger, trigger_args: args, timezone: timezone ?? zone }, 0)
    return []
  } catch (error) {
    if (!(error instanceof OffpeakError)) throw error
    const { place: { pointer = '/trigger' }, message } = error
    // The pointer already names the field, unless it is one of a crontab string.
    const named = pathOf(pointer).find(step => message.startsWith(`${step}: `))
    return [{ pointer, detail: named === undefined ? message : message.slice(named.length + 2) }]
  }
}

const SCHEMA_MS = 500

const WORDS = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']

function schemaFaults (input: Record<string, unknown>, pointer: string): Detail[] {
  const wrong = [input.type ?? []].flat().filter(type => !WORDS.includes(String(type)))
  if (wrong.length > 0) {
    return [{
      pointer: `${pointer}/type`,
      detail: `found ${foundWords(wrong[0])}, expected one of ${WORDS.join(', ')}`
    }]
  }
  const properties = typeof input.properties === 'object' && input.properties !== null
    ? Object.entries(input.properties)
    : []
  return properties.flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null
      ? schemaFaults(inner as Record<string, unknown>, `${pointer}/properties/${key}`)
      : []
  )
}

/** Faults of the JSON schema of payloads. */
export function inputFaults (input: TSchema | undefined): Detail[] {
  if (input === undefined) return []
  try {
    const copy = JSON.parse(JSON.stringify(input)) as Record<string, unknown>
    // A schema that is slow on an empty object is slower on a payload.
    if (!within(SCHEMA_MS, () => Compile(copy as TSchema).Check({})).isDone) {
      return [{ pointer: '/input', detail: `cannot be compiled within ${SCHEMA_MS} ms: expected a smaller schema` }]
    }
    return [...boundWordFaults(copy, '/input'), ...schemaFaults(copy, '/input')]
  } catch (error) {
    return [{
      pointer: '/input',
      detail: `is not a JSON schema: ${error instanceof Error ? error.message : String(error)}`
    }]
  }
}

/** Faults of the default payload. */
export function payloadFaults (payload: unknown): Detail[] {
  if (payload === undefined) return []
  const { fault } = strictJson(payload)
  return fault === null ? [] : [payloadFault(fault)]
}
