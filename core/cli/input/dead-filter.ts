import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import { remoteOptions } from '../remote/options.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

/** Selects runs that failed for good. */
export interface DeadOptions extends RemoteOptions {
  task?: string
  fingerprint?: string
  all?: boolean
  dryRun?: boolean
}

/** Adds the options that select runs that failed for good. */
export const deadOptions = (command: Command): Command =>
  remoteOptions(command)
    .option('--task <id>', 'failed runs of this task')
    .option('--fingerprint <fingerprint>', 'failed runs with this error, as `offpeak dead` lists it')
    .option('--all', 'all failed runs')
    .option('--dry-run', 'count the runs and change nothing')

/** The body that selects runs, null when runs are named by id; throws OFFPEAK_USAGE_INVALID when neither is given, or
 *  both. */
export function deadBody (
  ids: readonly string[],
  { task, fingerprint, all, dryRun }: DeadOptions
): Record<string, unknown> | null {
  const isFiltered = task !== undefined || fingerprint !== undefined || all === true
  if (ids.length > 0 && !isFiltered && !dryRun) return null
  if (ids.length > 0) {
    throw usageInvalid('run ids do not go with a filter',
      'Leave out the ids, or --task, --fingerprint, --all and --dry-run.')
  }
  if (!isFiltered) throw usageInvalid('no run is named', 'Name a run, --task, --fingerprint or --all.')
  return {
    ...task !== undefined && { task },
    ...fingerprint !== undefined && { fingerprint },
    ...all && { all },
    ...dryRun && { dry_run: true }
  }
}
