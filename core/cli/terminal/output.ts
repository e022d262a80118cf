import { styleText } from 'node:util'
import { CommanderError } from 'commander'
import { shown } from '../../model/json/shown.ts'
import { OffpeakError, onceSaid, placeWords } from '../../model/errors/errors.ts'
import { problemOf } from '../../model/view/problem.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** EX_CONFIG of sysexits(3): the configuration is invalid. */
export const EX_CONFIG = 78
const EX_USAGE = 2

const CONFIG_CODES = ['OFFPEAK_CONFIG_INVALID', 'OFFPEAK_START_REFUSED']

/** Clears the current line. */
export const CLEAR_LINE = '\r\u001B[2K'

/** The escape sequences that are printed: colours and weights. They cannot hide text or move the cursor. */
const ESCAPE = String.fromCodePoint(0x1b)
const STYLES = new RegExp(`(${ESCAPE}\\[(?:[0124]|22|24|39|3[1-7]|9[0-7])m)`)

/** True for a stream that shows colours. */
const hasColours = (stream: NodeJS.WriteStream) => styleText('red', '.', { stream }) !== '.'

const shownOn = (stream: NodeJS.WriteStream, text: string): string =>
  text.split(STYLES).map((part, at) => at % 2 === 0 ? shown(part) : hasColours(stream) ? part : '').join('')

type Write = typeof process.stdout.write

const controls = new Map<NodeJS.WriteStream, Write>()

/** Makes every later write to the standard streams, by any code, safe for a terminal: control characters are shown, not
 *  executed. */
export function guardStreams (): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as Write
    controls.set(stream, write)
    stream.write = ((chunk: string | Uint8Array, ...rest: never[]) => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
      const safe = shownOn(stream, text)
      return safe === text ? write(chunk, ...rest) : write(safe, ...rest.filter(one => typeof one === 'function'))
    }) as Write
  }
  // Node would write warnings directly to the descriptor.
  process.removeAllListeners('warning')
  process.on('warning', ({ name, message }) => printNote(`${name}: ${message}`))
}

/** Prints a line to standard output. */
export const print = (line: string): void => void process.stdout.write(`${line}\n`)

/** Prints a line to standard error. */
export const printNote = (line: string): void => void process.stderr.write(`${line}\n`)

/** Writes a control sequence and a text to a terminal, without a line end. */
export const draw = (stream: NodeJS.WriteStream, control: string, text: string): void =>
  void (controls.get(stream) ?? stream.write.bind(stream) as Write)(control + shownOn(stream, text))

/** Prints JSON to standard output. */
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

type Style = Parameters<typeof styleText>[0]

/** Styled when the terminal can show it. */
export const styled = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

/** True when standard output shows styles. */
export const isColoured = (): boolean => styled('red', '.') !== '.'

/** Text without styles and control characters. */
export const plain = shown

const WHERE = /^(.*?)(?::\d+)*(?: (\/\S*))?$/

/** A fault with its place: `config.json:7:3 /sever: unknown key`. A message that begins with its file or pointer says
 *  them once. */
export function faultWords ({ where, message }: { where: string | null, message: string }): string {
  if (where === null) return plain(message)
  const [, file, pointer] = WHERE.exec(where) ?? []
  return plain(`${where}: ${onceSaid(message, { file, pointer })}`)
}

function lines (error: OffpeakError): string[] {
  const place = placeWords(error.place)
  const others = error.errors && error.errors.length > 1
    ? error.errors.map(({ pointer, detail }) => `  ${pointer || '/'} ${detail}`)
    : []
  return [`offpeak: ${error.message}`, ...place && !error.message.includes(place) ? [`  at ${place}`] : [], ...others,
    ...error.fix ? [`  ${error.fix}`] : []]
}

function codeOf (error: OffpeakError): number {
  // A name that does not exist is a fault of the command line.
  if (error.code === 'OFFPEAK_USAGE_INVALID' || error.code.endsWith('_NOT_FOUND')) return EX_USAGE
  return CONFIG_CODES.includes(error.code) ? EX_CONFIG : 1
}

/** An error of the command line as one of offpeak. */
function asOffpeak (error: unknown): OffpeakError {
  if (error instanceof OffpeakError) return error
  const { message = String(error) } = error as { message?: string }
  return error instanceof CommanderError
    ? usageInvalid(message.replace(/^error: /, ''))
    : new OffpeakError({ code: 'OFFPEAK_INTERNAL', status: 500, message })
}

/** The problem of an error, as REST answers it. */
function printProblem (error: unknown): void {
  const { instance: _, ...problem } = problemOf(asOffpeak(error), '')
  printJson(problem)
}

/** Prints what went wrong and what to do, without a stack; with `json` also the problem as JSON on standard output.
 *  Returns the exit code. */
export function reportError (error: unknown, { json = false } = {}): number {
  const isHelp = error instanceof CommanderError && error.exitCode === 0
  if (json && !isHelp) printProblem(error)
  // Commander has already printed it.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EX_USAGE
  if (error instanceof OffpeakError) {
    printNote(plain(lines(error).join('\n')))
    return codeOf(error)
  }
  const { message, code } = error as { message?: string, code?: string }
  printNote(
    plain(`offpeak: ${message ?? String(error)}${code !== undefined && !message?.includes(code) ? ` (${code})` : ''}`)
  )
  return 1
}
