import type { Command } from 'commander'
import { Option } from 'commander'
import { LABELS, SOURCES, STATES } from '../../model/run/run.ts'
import type { State } from '../../model/run/run.ts'
import { oneOf, pastInstant, wholeNumber } from '../remote/options.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** Selects runs, as in REST. */
export interface RunFilter {
  task?: string
  state?: string
  queue?: string
  source?: string
  schedule?: string
  fingerprint?: string
  from?: string
  to?: string
}

/** Options of a change of many runs. */
export interface BulkOptions extends RunFilter {
  limit?: number
  dryRun?: boolean
}

const FIELDS = ['task', 'state', 'queue', 'source', 'schedule', 'fingerprint', 'from', 'to'] as const

/** The stored state of runs that are shown in another. */
const STORED: Record<string, State> = {
  scheduled: 'queued',
  held: 'queued',
  paused: 'queued',
  retrying: 'queued',
  dead: 'failed'
}

/** Every state in which a run is shown. */
export const SHOWN_STATES = [...new Set<string>([...STATES, ...LABELS, 'paused'])]

/** The stored states that have all runs shown in these states. */
export const storedStates = (states: readonly string[]): string[] => [
  ...new Set(states.map(state => STORED[state] ?? state))
]

/** True when runs in these states are not simply those in some stored states. */
export const areShownOnly = (states: readonly string[]): boolean =>
  states.some(state => state !== 'dead' && state in STORED)

/** Adds the options that select runs. */
export const filterOptions = (command: Command): Command =>
  command
    .option('--task <id>', 'runs of this task')
    .option('--state <states>',
      'runs in these states, separated by commas; also held, paused, scheduled, retrying, dead',
      oneOf('--state', SHOWN_STATES))
    .option('--queue <queue>', 'runs of this queue')
    .addOption(new Option('--source <source>', 'runs with this origin').choices(SOURCES))
    .option('--schedule <id>', 'runs of this schedule')
    .option('--from <instant>', "runs added at this instant or later, such as 'yesterday' or '2h ago'",
      pastInstant('--from'))
    .option('--to <instant>', 'runs added before this instant', pastInstant('--to'))

/** Adds the options of a change of every selected run. */
export const bulkOptions = (command: Command): Command =>
  filterOptions(command)
    .option('--fingerprint <fingerprint>', 'runs that failed with this error, as `offpeak dead` lists it')
    .option('--limit <count>', 'at most this many runs, newest first', wholeNumber('--limit', 1, 1_000_000))
    .option('--dry-run', 'count and show the runs, and change nothing')

/** The stored states of a change of many runs; throws OFFPEAK_USAGE_INVALID for a state that only the clock or a gate
 *  makes: it may be another one when the change is made. */
function bulkStates (verb: string, text: string): string[] {
  const states = text.split(',')
  const shown = states.find(state => areShownOnly([state]))
  if (shown === undefined) return storedStates(states)
  throw usageInvalid(`${verb} takes no --state ${shown}: such a run is stored as queued, and may start meanwhile`,
    `List the runs with \`offpeak runs --state ${shown}\`, and name their ids.`)
}

/** The body that selects runs by a filter, null when runs are named by id; throws OFFPEAK_USAGE_INVALID when neither
 *  is given, or both. */
export function bulkBody (
  { verb, ids = [], given }: { verb: string, ids?: readonly string[], given: BulkOptions }
): Record<string, unknown> | null {
  const filter = Object.fromEntries(
    FIELDS.flatMap(name =>
      given[name] === undefined ? [] : [[name, name === 'state' ? bulkStates(verb, given.state!) : given[name]]]
    )
  )
  const isFiltered = Object.keys(filter).length > 0
  if (ids.length > 0) {
    if (isFiltered || given.limit !== undefined || given.dryRun) {
      throw usageInvalid(`${verb} takes run ids or a filter, not both`,
        isFiltered ? 'Leave out one of the two.' : 'Leave out --limit and --dry-run: they go with a filter.')
    }
    return null
  }
  if (!isFiltered) {
    const options = FIELDS.map(name => `--${name}`).join(', ')
    throw usageInvalid(`${verb} needs run ids or a filter`,
      `Name a run, or use a filter: ${options}. --dry-run counts the runs first.`)
  }
  return { filter, ...given.limit !== undefined && { limit: given.limit }, ...given.dryRun && { dry_run: true } }
}
