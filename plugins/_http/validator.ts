import { Compile } from 'typebox/compile'
import { Convert, Default } from 'typebox/value'
import type { TSchema } from 'typebox'
import { faultsOf, inputInvalid } from '../../core/index.ts'

type Plain = Record<string, unknown>
type Node = { properties?: Record<string, { type?: string }> }

const WHERE: Record<string, string> = { querystring: 'query', params: 'params', headers: 'headers' }

/** `?state=queued,running` and `?state=queued&state=running` are the same list. */
function listed (schema: TSchema, value: Plain): Plain {
  const { properties = {} } = schema as Node
  const lists = Object.keys(value).filter(key => Object.hasOwn(properties, key) && properties[key]!.type === 'array')
  return {
    ...value,
    ...Object.fromEntries(lists.map(key => [key, [value[key]].flat().flatMap(part => String(part).split(','))]))
  }
}

/** Compiles a validator. A body is checked as it is; text of a path, query or header is converted by the schema. */
export function compile ({ schema, httpPart = 'body' }: { schema: TSchema, httpPart?: string }) {
  let check: ReturnType<typeof Compile> | undefined
  const where = WHERE[httpPart]
  return (given: unknown) => {
    // A missing body is the same as an empty object.
    const value = where === undefined ? given ?? {} : Default(schema, Convert(schema, listed(schema, given as Plain)))
    // Compiled at the first request: most routes are never used.
    check ??= Compile(schema)
    const faults = faultsOf(schema, value, one => check!.Check(one))
    if (faults.length === 0) return { value }
    const errors = faults.map(({ pointer, detail }) => ({
      pointer: where === undefined ? pointer : `/${where}${pointer}`,
      detail
    }))
    return { error: inputInvalid({ what: `The ${where ?? 'body'} does not fit`, errors }) }
  }
}
