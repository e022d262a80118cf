import { BOUNDS } from './bound-messages.ts'
import { foundWords, pointerStep } from '../base/check.ts'
import { isPlain } from './bound-fits.ts'
import type { Bound } from './bound-messages.ts'
import type { Detail } from '../errors/errors.ts'
import type { Plain } from './bound-fits.ts'

const BESIDE = ['configured_or', 'configured_when', 'configured_in', 'configured_with']
/** Keywords of JSON Schema with one schema, a list, or schemas by name; `properties` is the one whose schemas are
 *  settings. */
const INNER = ['items', 'additionalItems', 'contains', 'not', 'if', 'then', 'else', 'propertyNames',
  'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'anyOf', 'oneOf', 'allOf', 'prefixItems']
const BY_NAME = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

type Position = 'input' | 'setting' | 'elsewhere'

/** What is wrong with the words on bounds that one schema has of its own. */
function ownWordFaults (words: Plain, pointer: string, position: Position): Detail[] {
  const { configured } = words
  const said = ['configured', ...BESIDE].find(word => words[word] !== undefined)
  if (said === undefined || (position === 'input' && said === 'configured' && Array.isArray(configured))) return []
  if (position === 'input') {
    return [{
      pointer: `${pointer}/${said}`,
      detail: `bounds nothing here: expected it in a setting, below 'properties'; here only 'configured' may be a list`
    }]
  }
  if (position === 'elsewhere') {
    return [{
      pointer: `${pointer}/${said}`,
      detail: `bounds nothing here: expected it in a setting itself, reached through 'properties' alone`
    }]
  }
  if (said !== 'configured') {
    return [{ pointer: `${pointer}/${said}`, detail: `goes with 'configured', which is missing` }]
  }
  if (configured === true || BOUNDS.includes(configured as Bound)) return []
  return [{
    pointer: `${pointer}/configured`,
    detail: `found ${foundWords(configured)}, expected true, or one of ${BOUNDS.join(', ')}`
  }]
}

/** What is wrong with the words on bounds in an `input` schema. One that is not read would leave open what it seems to
 *  bound. */
export function boundWordFaults (schema: unknown, pointer: string, position: Position = 'input'): Detail[] {
  if (!isPlain(schema)) return []
  const within = (part: unknown, at: string, name: string): Detail[] =>
    Array.isArray(part)
      ? part.flatMap((one, index) => boundWordFaults(one, `${at}/${index}`, 'elsewhere'))
      : boundWordFaults(part, at, name === 'properties' && position !== 'elsewhere' ? 'setting' : 'elsewhere')
  return [
    ...ownWordFaults(schema, pointer, position),
    ...INNER.flatMap(name => within(schema[name], `${pointer}/${name}`, name)),
    ...BY_NAME.flatMap(name =>
      Object.entries(isPlain(schema[name]) ? schema[name] : {}).flatMap(([key, inner]) =>
        within(inner, `${pointer}/${name}${pointerStep(key)}`, name)
      )
    )
  ]
}
