import type { Command } from 'commander'
import { Option } from 'commander'
import { SOURCES, STATES } from '../../model/run/run.ts'
import { instant, oneOf, whole } from '../remote/options.ts'
import { usageInvalid } from '../../model/base/errors.ts'

/** Which runs, as REST has it. */
export interface Filter {
  task?: string
  state?: string
  queue?: string
  source?: string
  schedule?: string
  fingerprint?: string
  from?: string
  to?: string
}

/** A change of runs: by their ids, or by a filter. */
export interface Many extends Filter {
  limit?: number
  dryRun?: boolean
}

const FIELDS = ['task', 'state', 'queue', 'source', 'schedule', 'fingerprint', 'from', 'to'] as const

/** Adds the options that say which runs, as every list and every change of them takes. */
export const which = (command: Command): Command =>
  command
    .option('--task <id>', 'those of this task')
    .option('--state <states>', 'those in these states', oneOf('--state', STATES))
    .option('--queue <queue>', 'those of this queue')
    .addOption(new Option('--source <source>', 'those that came from there').choices(SOURCES))
    .option('--schedule <id>', 'those of this schedule')
    .option('--from <instant>', 'those that were added then or later', instant('--from'))
    .option('--to <instant>', 'those that were added before', instant('--to'))

/** The same for a change of all of them. */
export const filtered = (command: Command): Command =>
  which(command)
    .option('--fingerprint <sign>', 'those that failed of this')
    .option('--limit <count>', 'so many at most, the newest first', whole('--limit', 1, 1_000_000))
    .option('--dry-run', 'count and show them, and change nothing')

/** The body that changes what a filter names, null when runs are named by id; throws OFFPEAK_USAGE_INVALID when neither
 *  is said, or both. */
export function manyOf (
  { verb, ids = [], given }: { verb: string, ids?: readonly string[], given: Many }
): Record<string, unknown> | null {
  const filter = Object.fromEntries(
    FIELDS.flatMap(name =>
      given[name] === undefined ? [] : [[name, name === 'state' ? given.state!.split(',') : given[name]]]
    )
  )
  const said = Object.keys(filter).length > 0
  if (ids.length > 0) {
    if (said || given.limit !== undefined || given.dryRun) {
      throw usageInvalid(`${verb} takes runs or a filter, not both`,
        `Leave out ${said ? 'one of the two' : 'what goes with a filter alone: --limit, --dry-run'}.`)
    }
    return null
  }
  if (!said) {
    throw usageInvalid(`which runs to ${verb} is not said`, `Name a run, or say which: ${
      FIELDS.map(name => `--${name}`).join(', ')
    }. With --dry-run they are counted first.`)
  }
  return { filter, ...given.limit !== undefined && { limit: given.limit }, ...given.dryRun && { dry_run: true } }
}
