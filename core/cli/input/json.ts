import { createReadStream } from 'node:fs'
import { text } from 'node:stream/consumers'
import { RESULT_LIMITS } from '../../model/json/json.ts'
import { jsonFault } from '../../model/base/syntax.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** The text of a file, or of standard input for `-`; throws OFFPEAK_USAGE_INVALID when it cannot be read. */
export async function textOf (file: string): Promise<string> {
  if (file === '-') return await text(process.stdin)
  try {
    return await text(createReadStream(file))
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw usageInvalid(code === 'ENOENT' ? `There is no file ${file}` : `${file} cannot be read: ${message}`)
  }
}

/** `name` of the text; `line`: the line of the file at which the text begins; null when it is not a file. */
interface Named {
  name: string
  line: number | null
  fix?: string
}

/** Parses JSON; throws OFFPEAK_USAGE_INVALID with the place of the fault. */
export function jsonIn (json: string, { name, line: first, fix }: Named): unknown {
  const fault = jsonFault(json)
  if (fault === null) return JSON.parse(json) as unknown
  const { line, column, message } = fault
  const place = line === 0 ? '' : first === null ? `line ${line}, column ${column}: ` : `:${first + line - 1}:${column}`
  throw usageInvalid(
    first === null ? `${name} is not JSON: ${place}${message}` : `${name}${place} is not JSON: ${message}`,
    fix
  )
}

/** The JSON in a file, or on standard input for `-`; throws OFFPEAK_USAGE_INVALID. */
export const jsonOf = async (file: string): Promise<unknown> =>
  jsonIn(await textOf(file), file === '-' ? { name: 'standard input', line: null } : { name: file, line: 1 })

const QUOTE = `Quote it for the shell: --payload '{"key": "value"}', or give @file or - for standard input.`

/** A payload given as JSON, as `@file`, or as `-` for standard input; throws OFFPEAK_USAGE_INVALID. */
export async function payloadOf (given: string | undefined): Promise<unknown> {
  if (given === undefined) return undefined
  const file = given.startsWith('@') ? given.slice(1) : given === '-' ? '-' : null
  const payload = file === null ? jsonIn(given, { name: '--payload', line: null, fix: QUOTE }) : await jsonOf(file)
  // A server can close the connection of a large request before its client has read the error.
  const bytes = Buffer.byteLength(JSON.stringify(payload))
  if (bytes <= RESULT_LIMITS.bytes) return payload
  throw usageInvalid(`--payload has ${bytes} bytes: expected at most ${RESULT_LIMITS.bytes}`,
    'Put large data into a file and send it with --file.')
}
