import type { TSchema } from 'typebox'
import { jsonFault, requestInvalid } from '../core/index.ts'
import { compile } from './_http/validator.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

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
  app.addContentTypeParser(['application/json', 'application/merge-patch+json'], { parseAs: 'buffer' },
    (request, body, done) => {
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
