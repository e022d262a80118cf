import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { ManagerOptions } from '../../manager.ts'
import { INSTANT_EXPECTED, instantOf } from '../../model/base/instant.ts'
import { configInvalid, usageInvalid } from '../../model/base/errors.ts'
import { milliseconds } from '../../model/base/duration.ts'

/** Where an offpeak lies on this machine. */
export interface Local {
  config?: string
  data?: string
  env?: string
  host?: string
  port?: number
}

/** How a running offpeak is reached. */
export interface Remote extends Local {
  url?: string
  token?: string
  json?: boolean
}

/** A whole number of a range; throws OFFPEAK_USAGE_INVALID. */
export const whole = (name: string, least: number, most: number) => (text: string): number => {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= least && number <= most) return number
  throw usageInvalid(`${name} is '${text.slice(0, 40)}': expected a whole number from ${least} to ${most}`)
}

/** A duration above 0, as it was written; throws OFFPEAK_USAGE_INVALID. */
export const span = (name: string) => (text: string): string => {
  const isRight = durationOf(text) > 0
  if (isRight) return text
  throw usageInvalid(
    `${name} is '${
      text.slice(0, 40)
    }': expected a duration above 0 and of at most ten years, such as 90, '15m' or '1h 30m'`
  )
}

function durationOf (text: string): number {
  try {
    return milliseconds(text)
  } catch {
    return 0
  }
}

const LOCAL = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?$/

/** What a local time is in the zone of the terminal, to be typed instead; null for what is not one. */
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

/** An instant as REST wants it, from ISO 8601 with a zone; throws OFFPEAK_USAGE_INVALID. */
export const instant = (name: string, also = '', zone = Temporal.Now.timeZoneId()) => (text: string): string => {
  const at = instantOf(text)
  if (at !== null) return new Date(at).toISOString()
  const here = zoned(text, zone)
  throw usageInvalid(`${name} is '${text.slice(0, 40)}': expected ${also}${INSTANT_EXPECTED}`,
    here === null ? undefined : `In ${zone}, the zone of this terminal, it is ${here}.`)
}

/** The same for what has been: `05:00` alone is the last time that it was so. */
export const past = (name: string, now = Date.now()) => (text: string): string => {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  if (hour === undefined) return instant(name, '05:00, or ')(text)
  const at = new Date(now)
  at.setHours(Number(hour), Number(minute), 0, 0)
  if (at.getTime() > now) at.setDate(at.getDate() - 1)
  return at.toISOString()
}

/** Words of a list, with commas between them; throws OFFPEAK_USAGE_INVALID. */
export const oneOf = (name: string, words: readonly string[]) => (text: string): string => {
  const wrong = text.split(',').find(word => !words.includes(word))
  if (wrong !== undefined) throw usageInvalid(`${name} is '${wrong}': expected one of ${words.join(', ')}`)
  return text
}

/** Adds what every command takes that reads the configuration. */
export function local (command: Command): Command {
  return command
    .option('-c, --config <file>', 'the configuration (./config.json)')
    .option('--data <folder>', 'the data folder, whatever the configuration says')
    .addOption(new Option('--env <name>', 'lays config.<name>.json upon the configuration'))
}

/** Adds what every command takes that asks a running offpeak. */
export function remote (command: Command): Command {
  return local(command)
    .option('--url <url>', 'where offpeak answers; found by itself on this machine')
    .option('--token <token>', 'the token; found by itself on this machine')
    .option('--json', 'answer in JSON')
}

/** The variables with what was given on the command line laid upon them. */
function environment ({ data, host, port }: Local, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const given: [string, string | undefined][] = [
    ['OFFPEAK_ENGINE__FOLDER', data && resolve(data)],
    ['OFFPEAK_SERVER__HOST', host],
    ['OFFPEAK_SERVER__PORT', port?.toString()]
  ]
  const laid = { ...env }
  for (const [name, value] of given) {
    if (value === undefined) continue
    laid[name] = value
    delete laid[`${name}_FILE`]
  }
  return laid
}

/** What a manager is made of; throws OFFPEAK_CONFIG_INVALID when a configuration was named that is not there. */
export function managerOptions (given: Local, env: NodeJS.ProcessEnv = process.env): ManagerOptions {
  const named = given.config ?? env.OFFPEAK_CONFIG
  if (named !== undefined && !existsSync(named)) {
    throw configInvalid({
      file: named,
      message: `There is no configuration ${named}`,
      fix: 'Name one that exists, or leave --config out to start with the defaults.'
    })
  }
  return {
    configFile: resolve(named ?? 'config.json'),
    env: environment(given, env),
    ...given.env && { environment: given.env }
  }
}
