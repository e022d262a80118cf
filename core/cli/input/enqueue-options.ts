import type { Client } from '../remote/client.ts'
import type { Command } from 'commander'
import { Option } from 'commander'
import { PRIORITIES, CONDITIONS, CONFLICTS } from '../../model/run/run.ts'
import { findRun } from '../remote/find-run.ts'
import { instant } from '../remote/options.ts'
import { nearest } from '../../model/base/nearest.ts'
import { payloadOf } from './json.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** Options of a new run. */
export interface EnqueueOptions {
  payload?: string
  priority?: string
  delay?: string
  due?: string
  key?: string
  unique?: string
  onConflict?: string
  after?: string[]
}

/** A number as seconds, any other text as a duration in words. */
export const durationOf = (text: string): number | string => /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text

const WHILE = ['queued', 'running', 'kept']

/** The `unique` member: `queued`, `running`, `kept`, or a duration. */
function uniqueOf ({ key, unique, onConflict }: EnqueueOptions): object {
  if (unique === undefined && onConflict === undefined) return {}
  if (key === undefined) {
    throw usageInvalid('--unique and --on-conflict need --key', 'Name the key that is unique.')
  }
  return {
    unique: {
      ...unique !== undefined && (WHILE.includes(unique) ? { while: unique } : { for: durationOf(unique) }),
      ...onConflict !== undefined && { on_conflict: onConflict }
    }
  }
}

/** A run that has to end first; `run`: its id, the beginning of it, or a task. */
interface Dependency {
  run: string
  condition?: string
}

/** `RUN`, or `RUN:failed`; throws OFFPEAK_USAGE_INVALID. */
function dependencyOf (text: string): Dependency {
  const [run = '', condition] = text.split(':') as [string, string?]
  if (condition === undefined) return { run }
  if ((CONDITIONS as readonly string[]).includes(condition)) return { run, condition }
  const near = nearest(condition, CONDITIONS)
  throw usageInvalid(
    `--after is '${text}': expected a run or a task, or RUN:CONDITION with one of ${CONDITIONS.join(', ')}`,
    near === null ? undefined : `Did you mean '${run}:${near}'?`
  )
}

/** The body with the ids of the runs that have to end first. */
export async function withDependencies<T extends Record<string, unknown>> (client: Client, body: T): Promise<T> {
  const after = body['after'] as Dependency[] | undefined
  if (after === undefined) return body
  const found: Dependency[] = []
  for (const { run, ...condition } of after) found.push({ run: await findRun(client, run), ...condition })
  return { ...body, after: found }
}

/** The body that adds a run, still without the ids of the runs in `after`; throws OFFPEAK_USAGE_INVALID. */
export async function enqueueBody (given: EnqueueOptions): Promise<Record<string, unknown>> {
  const { priority, delay, due, key, after } = given
  const payload = await payloadOf(given.payload)
  return {
    ...payload !== undefined && { payload },
    ...priority && { priority },
    ...delay && { delay: durationOf(delay) },
    ...due && { due_at: due },
    ...key && { key },
    ...uniqueOf(given),
    ...after && { after: after.map(dependencyOf) }
  }
}

/** Adds the options of a new run. */
export const enqueueOptions = (command: Command): Command =>
  command
    .option('-p, --payload <json>', 'payload of the run (ctx.payload): JSON, @file, or - for standard input')
    .addOption(new Option('--priority <priority>', 'priority of the run').choices(PRIORITIES))
    .option('--delay <duration>', "due after this time: seconds, or a duration such as '15m'")
    .addOption(
      new Option('--due <instant>', "due at this instant, such as 'tomorrow 03:00' or 2026-11-22T03:00+01:00")
        .conflicts('delay').argParser(
          instant('--due')
        )
    )
    .option('--key <key>', 'idempotency key: a second run with the same key is the first run')
    .option('--unique <how>', 'how long the key is unique: while the run is queued, running or kept, or a duration')
    .addOption(new Option('--on-conflict <what>', 'what happens to an existing run with the key').choices(CONFLICTS))
    .option('--after <run>',
      'run that has to complete first, or a task, whose last run it is; also RUN:failed, RUN:done; repeatable',
      (run: string, runs: string[] = []) => [...runs, run])
