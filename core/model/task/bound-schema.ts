import { BOUNDS } from './bound-messages.ts'
import { foundWords, pointerStep } from '../base/check.ts'
import { isPlain } from './bound-fits.ts'
import type { Bound } from './bound-messages.ts'
import type { Detail } from '../errors/errors.ts'
import type { Plain } from './bound-fits.ts'

const BESIDE = ['configured_or', 'configured_when', 'configured_in', 'configured_with']
/** JSON Schema keywords that contain one schema or a list of schemas. Only the schemas of `properties` are settings. */
const INNER = ['items', 'additionalItems', 'contains', 'not', 'if', 'then', 'else', 'propertyNames',
  'additionalProperties', 'unevaluatedItems', 'unevaluatedProperties', 'anyOf', 'oneOf', 'allOf', 'prefixItems']
const BY_NAME = ['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']

type Position = 'input' | 'setting' | 'elsewhere'

/** The faults of the bound keywords directly in one schema. */
function ownWordFaults (words: Plain, pointer: string, position: Position): Detail[] {
  const { configured } = words
  const keyword = ['configured', ...BESIDE].find(word => words[word] !== undefined)
  const isList = keyword === 'configured' && Array.isArray(configured)
  if (keyword === undefined || (position === 'input' && isList)) return []
  if (position === 'input') {
    return [{
      pointer: `${pointer}/${keyword}`,
      detail: `has no effect here: expected it in a setting, below 'properties'; here 'configured' may only be a list`
    }]
  }
  if (position === 'elsewhere') {
    return [{
      pointer: `${pointer}/${keyword}`,
      detail: `has no effect here: expected it in a setting that is reached through 'properties' alone`
    }]
  }
  if (keyword !== 'configured') {
    return [{ pointer: `${pointer}/${keyword}`, detail: `needs 'configured', which is missing` }]
  }
  if (configured === true || BOUNDS.includes(configured as Bound)) return []
  return [{
    pointer: `${pointer}/configured`,
    detail: `found ${foundWords(configured)}, expected true, or one of ${BOUNDS.join(', ')}`
  }]
}

/** The faults of the bound keywords in an `input` schema: a keyword in the wrong place would bound nothing. */
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
