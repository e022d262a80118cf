import type { Command } from 'commander'
import { Option } from 'commander'
import { milliseconds } from '../../model/base/duration.ts'
import { duration, instant } from '../remote/options.ts'
import { payloadOf } from './json.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** When a schedule fires, and what its runs are given. */
export interface ScheduleOptions {
  cron?: string
  every?: string
  at?: string
  zone?: string
  payload?: string
}

const SECOND = 1000
/** The units of an interval; a new one replaces all of them. */
const UNITS = { weeks: null, days: null, hours: null, minutes: null }

/** Adds the options of a schedule. `what`: of the payload. */
export function scheduleOptions (command: Command, what: string): Command {
  return command
    .addOption(
      new Option('--cron <crontab>', "crontab string, such as '0 3 * * *' or @daily").conflicts(['every', 'at'])
    )
    .addOption(
      new Option('--every <duration>', "interval from now: seconds, or a duration such as '15m'").conflicts('at')
        .argParser(duration('--every'))
    )
    .option('--at <instant>', "once, such as 'tomorrow 03:00' or 2026-11-22T03:00+01:00", instant('--at'))
    .option('--zone <zone>', 'time zone of the crontab string; default: that of the task')
    .option('--payload <json>', `${what}: JSON, @file, or - for standard input`)
}

function secondsIn (every: string): number {
  const seconds = milliseconds(/^\d+$/.test(every) ? Number(every) : every) / SECOND
  if (Number.isInteger(seconds)) return seconds
  throw usageInvalid(`--every is '${every}': expected whole seconds`)
}

function triggerOf ({ cron, every, at }: ScheduleOptions): { trigger?: string, trigger_args?: object } {
  if (cron !== undefined) return { trigger: cron }
  if (every !== undefined) return { trigger: 'interval', trigger_args: { ...UNITS, seconds: secondsIn(every) } }
  return at === undefined ? {} : { trigger: 'date', trigger_args: { run_date: at } }
}

/** A merge patch of a schedule. */
export async function schedulePatch (given: ScheduleOptions): Promise<Record<string, unknown>> {
  const payload = await payloadOf(given.payload)
  return {
    ...triggerOf(given),
    ...given.zone !== undefined && { timezone: given.zone },
    ...payload !== undefined && { payload }
  }
}

const withoutNull = (args: object) => Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null))

/** The body that adds a schedule; throws OFFPEAK_USAGE_INVALID when it does not say when. */
export async function scheduleBody (task: string, given: ScheduleOptions): Promise<Record<string, unknown>> {
  const { trigger, trigger_args: args, ...rest } = await schedulePatch(given)
  if (trigger === undefined) {
    throw usageInvalid('schedules add needs --cron, --every or --at',
      `Say when: offpeak schedules add ${task} --cron '0 3 * * *'`)
  }
  return { task, trigger, ...args !== undefined && { trigger_args: withoutNull(args as object) }, ...rest }
}
