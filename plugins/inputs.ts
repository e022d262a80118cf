import { Compile } from 'typebox/compile'
import { Convert, Default } from 'typebox/value'
import type { TSchema } from 'typebox'
import { faultsOf, inputInvalid, jsonFault, requestInvalid } from '../core/index.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

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
function compile ({ schema, httpPart = 'body' }: { schema: TSchema, httpPart?: string }) {
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

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

function textOf (body: Buffer): string {
  try {
    return decoder.decode(body)
  } catch (cause) {
    throw requestInvalid({ code: 'OFFPEAK_BODY_NOT_UTF8', message: 'The body is not UTF-8', cause })
  }
}

/** The error for a refused body: it is not JSON, or it has a key that changes prototypes. */
function refusal (text: string): Error {
  const fault = jsonFault(text)
  const code = 'OFFPEAK_INVALID_JSON_BODY'
  if (fault === null) {
    return requestInvalid({
      code,
      message: 'The body has a key that changes prototypes: __proto__, or constructor with prototype'
    })
  }
  const { line, column, message } = fault
  return requestInvalid({
    code,
    message: `The body is not JSON${line === 0 ? '' : `, line ${line}, column ${column}`}: ${message}`
  })
}

/** Accepts JSON bodies in UTF-8 without keys that change prototypes, and checks every input against its schema. */
async function inputs (app: PluginApp) {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    try {
      const text = textOf(body as Buffer)
      void parse(request, text, (error, value) => done(error && refusal(text), value))
    } catch (error) {
      done(error as Error)
    }
  })
  app.setValidatorCompiler<TSchema>(compile)
}

export default named('offpeak-inputs', inputs)
