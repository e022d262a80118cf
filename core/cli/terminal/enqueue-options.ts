import type { Command } from 'commander'
import { Option } from 'commander'
import { PRIORITIES, CONDITIONS, CONFLICTS } from '../../model/run/run.ts'
import { instant } from '../remote/options.ts'
import { payloadOf } from './json.ts'
import { usageInvalid } from '../../model/base/errors.ts'

/** What a run is asked for with. */
export interface AskGiven {
  payload?: string
  priority?: string
  delay?: string
  due?: string
  key?: string
  unique?: string
  onConflict?: string
  after?: string[]
}

/** Seconds, where a number was given; words otherwise. */
export const durationOf = (text: string): number | string => /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text

const WHILE = ['queued', 'running', 'kept']

/** `queued`, `running`, `kept`, or for how long. */
function uniqueOf ({ key, unique, onConflict }: AskGiven): object {
  if (unique === undefined && onConflict === undefined) return {}
  if (key === undefined) {
    throw usageInvalid('--unique and --on-conflict go with a --key', 'Say what it is that is to be unique.')
  }
  return {
    unique: {
      ...unique !== undefined && (WHILE.includes(unique) ? { while: unique } : { for: durationOf(unique) }),
      ...onConflict !== undefined && { on_conflict: onConflict }
    }
  }
}

/** `ID`, or `ID:failed`. */
function priorOf (text: string): string | { run: string, condition: string } {
  const [run = '', condition] = text.split(':') as [string, string?]
  if (condition === undefined) return run
  if (!(CONDITIONS as readonly string[]).includes(condition)) {
    throw usageInvalid(
      `--after is '${text}': expected the id of a run, or with ${CONDITIONS.join(', ')} behind a colon`
    )
  }
  return { run, condition }
}

/** The body that asks for a run; throws OFFPEAK_USAGE_INVALID. */
export async function askOf (given: AskGiven): Promise<Record<string, unknown>> {
  const { priority, delay, due, key, after } = given
  const payload = await payloadOf(given.payload)
  return {
    ...payload !== undefined && { payload },
    ...priority && { priority },
    ...delay && { delay: durationOf(delay) },
    ...due && { due_at: due },
    ...key && { key },
    ...uniqueOf(given),
    ...after && { after: after.map(priorOf) }
  }
}

/** Adds the options that say how a run is asked for. */
export const asking = (command: Command): Command =>
  command
    .option('-p, --payload <json>', 'what the task finds in ctx.payload: JSON, @file, or - for standard input')
    .addOption(new Option('--priority <priority>', 'how urgent').choices(PRIORITIES))
    .option('--delay <duration>', "not before: seconds, or words such as '15m'")
    .addOption(
      new Option('--due <instant>', 'not before, such as 2026-11-22T03:00+01:00').conflicts('delay').argParser(
        instant('--due')
      )
    )
    .option('--key <key>', 'a second run with the same key is the first one')
    .option('--unique <how>', 'how long the key names one run: while it is queued, running or kept, or a duration')
    .addOption(new Option('--on-conflict <what>', 'what becomes of the run that is there').choices(CONFLICTS))
    .option('--after <run>', 'a run that has to complete first, or ID:failed, ID:done; repeat it for more',
      (run: string, runs: string[] = []) => [...runs, run])
