import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { OffpeakError, placeWords } from '../../model/base/errors.ts'

/** sysexits: the configuration is at fault. */
export const EX_CONFIG = 78
const EX_USAGE = 2

const CONFIG_CODES = ['OFFPEAK_CONFIG_INVALID', 'OFFPEAK_START_REFUSED']

/** One line for whoever asked, on standard output. */
export const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** One line about what is going on, on standard error. */
export const tell = (line: string): void => void process.stderr.write(`${line}\n`)

/** The answer itself, for programs. */
export const sayJson = (value: unknown): void => say(JSON.stringify(value, null, 2))

type Style = Parameters<typeof styleText>[0]

/** Styled when the terminal can show it. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

/** True when what is said is styled. */
export const coloured = (): boolean => styled('red', '.') !== '.'

/** Without the signs that move a terminal's cursor or change its colours: what a task says is text. */
export const plain = (text: string): string => text.replaceAll(/\p{Cc}|[\u202A-\u202E\u2066-\u2069]/gu, sign => '\n\t'.includes(sign) ? sign : '\uFFFD')

function lines (error: OffpeakError): string[] {
  const place = placeWords(error.place)
  const others = error.errors && error.errors.length > 1 ? error.errors.map(({ pointer, detail }) => `  ${pointer || '/'} ${detail}`) : []
  return [`offpeak: ${error.message}`, ...place && !error.message.includes(place) ? [`  at ${place}`] : [], ...others, ...error.fix ? [`  ${error.fix}`] : []]
}

function codeOf (error: OffpeakError): number {
  if (error.code === 'OFFPEAK_USAGE_INVALID') return EX_USAGE
  return CONFIG_CODES.includes(error.code) ? EX_CONFIG : 1
}

/** Says what went wrong and what to do, never where in the code; resolves to the exit code. */
export function complain (error: unknown): number {
  // Commander has said it already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_USAGE
  if (error instanceof OffpeakError) {
    tell(plain(lines(error).join('\n')))
    return codeOf(error)
  }
  const { message, code } = error as { message?: string, code?: string }
  tell(plain(`offpeak: ${message ?? String(error)}${code !== undefined && !message?.includes(code) ? ` (${code})` : ''}`))
  return 1
}
