import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { ManagerOptions } from '../../manager.ts'
import type { InstantAsk } from './instant-words.ts'
import { instantInWords } from './instant-words.ts'
import { INSTANT_EXPECTED, instantOf } from '../../model/base/instant.ts'
import { configInvalid } from '../../model/errors/config-errors.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { nearest } from '../../model/base/nearest.ts'
import { milliseconds } from '../../model/base/duration.ts'

/** Where the configuration and data of a server are on this machine. */
export interface LocalOptions {
  config?: string
  data?: string
  env?: string
  host?: string
  port?: number
}

/** How a running server is reached. */
export interface RemoteOptions extends LocalOptions {
  url?: string
  /** The name of a known server. */
  context?: string
  token?: string
  json?: boolean
}

/** A whole number in a range; throws OFFPEAK_USAGE_INVALID. */
export const wholeNumber = (name: string, least: number, most: number) => (text: string): number => {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw usageInvalid(`${name} is '${text.slice(0, 40)}': expected a whole number from ${least} to ${most}`)
}

/** A duration above 0, as written; throws OFFPEAK_USAGE_INVALID. */
export const duration = (name: string) => (text: string): string => {
  if (millisecondsIn(text) > 0) return text
  throw usageInvalid(
    `${name} is '${text.slice(0, 40)}': expected a duration above 0, at most ten years, such as 90, '15m' or '1h 30m'`
  )
}

function millisecondsIn (text: string): number {
  try {
    return milliseconds(text)
  } catch {
    return 0
  }
}

const LAST_INSTANT = 8.64e15
const LOCAL = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?$/

/** A local time as an instant in a zone, for a hint in an error; null for any other text. */
function zoned (text: string, zone: string): string | null {
  try {
    return LOCAL.test(text)
      ? Temporal.PlainDateTime.from(text.replace(' ', 'T'), { overflow: 'reject' }).toZonedDateTime(zone).toString({
        timeZoneName: 'never',
        smallestUnit: 'second'
      })
      : null
  } catch {
    return null
  }
}

const WORDS = "or words such as 'tomorrow 03:00', 'yesterday', '2h ago'"

/** An instant as REST expects it, from ISO 8601 with a zone or from words; throws OFFPEAK_USAGE_INVALID. `05:00` alone
 *  is the next one or, with `side` past, the last one. */
export const instant = (
  name: string,
  { side = 'future', also = '', zone = Temporal.Now.timeZoneId(), now = Date.now() }: Partial<InstantAsk> & {
    also?: string
  } = {}
) =>
(text: string): string => {
  const at = instantOf(text) ?? instantInWords(text, { side, zone, now })
  if (at !== null && Math.abs(at) <= LAST_INSTANT) return new Date(at).toISOString()
  const here = zoned(text, zone)
  throw usageInvalid(`${name} is '${text.slice(0, 40)}': expected ${also}${INSTANT_EXPECTED}, ${WORDS}`,
    here === null ? undefined : `In ${zone}, the zone of this terminal, it is ${here}.`)
}

/** An instant in the past; `05:00` alone is the most recent 05:00. Throws OFFPEAK_USAGE_INVALID. */
export const pastInstant = (name: string, now = Date.now()) => instant(name, { side: 'past', now })

/** Words of a list, separated by commas; throws OFFPEAK_USAGE_INVALID. */
export const oneOf = (name: string, words: readonly string[]) => (text: string): string => {
  const wrong = text.split(',').find(word => !words.includes(word))
  if (wrong !== undefined) {
    const near = nearest(wrong, words)
    throw usageInvalid(`${name} is '${wrong}': expected one of ${words.join(', ')}`,
      near === null ? undefined : `Did you mean '${near}'?`)
  }
  return text
}

/** The heading of the options that find a server or its files. */
export const WHERE = 'Where:'

/** Adds the options of every command that reads the configuration. */
export function localOptions (command: Command): Command {
  return command.optionsGroup(WHERE)
    .option('-c, --config <file>', 'configuration file; default: config.json of this folder or one above')
    .option('--data <folder>', 'data folder; overrides the configuration')
    .option('--env <name>', 'environment: config.<name>.json overrides the configuration')
    .optionsGroup('Options:')
}

/** Adds the options of every command that sends requests to a running server. */
export function remoteOptions (command: Command): Command {
  return localOptions(command).optionsGroup(WHERE)
    .option('--url <url>', 'URL of the server; default: found on this machine')
    .option('--context <name>', 'name of a server, as `offpeak context` lists it')
    .option('--token <token>', 'access token; default: found on this machine')
    .optionsGroup('Options:')
    .option('--json', 'print JSON')
}

/** The environment with the options of the command line as variables. */
function environment ({ data, host, port }: LocalOptions, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given: [string, string | undefined][] = [
    ['OFFPEAK_ENGINE__FOLDER', data && resolve(data)],
    ['OFFPEAK_SERVER__HOST', host],
    ['OFFPEAK_SERVER__PORT', port?.toString()]
  ]
  const merged = { ...env }
  for (const [name, value] of given) {
    if (value === undefined) continue
    merged[name] = value
    delete merged[`${name}_FILE`]
  }
  return merged
}

/** The options of a manager; `file` is its configuration unless one is named. Throws OFFPEAK_CONFIG_INVALID when the
 *  named configuration does not exist. */
export function managerOptions (
  given: LocalOptions,
  env: NodeJS.ProcessEnv = process.env,
  file = 'config.json'
): ManagerOptions {
  const named = given.config ?? env.OFFPEAK_CONFIG
  if (named !== undefined && !existsSync(named)) {
    throw configInvalid({
      file: named,
      message: `The configuration ${named} does not exist`,
      fix: 'Name an existing file, or leave out --config to start with the defaults.'
    })
  }
  return {
    configFile: resolve(named ?? file),
    env: environment(given, env),
    ...given.env && { environment: given.env }
  }
}
