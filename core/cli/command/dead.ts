import type { Command } from 'commander'
import type { Remote } from '../remote/options.ts'
import type { RunAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import type { Counted } from '../terminal/bulk-change.ts'
import { again, eachOf, tellCount } from '../terminal/bulk-change.ts'
import { agoWords, stateWords } from '../terminal/run-words.ts'
import { durationOf } from '../terminal/enqueue-options.ts'
import { remote } from '../remote/options.ts'
import { say, sayJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { runConflict, usageInvalid } from '../../model/base/errors.ts'

interface Group {
  task: string
  fingerprint: string
  count: number
  message: string
  first_at: string
  last_at: string
}
interface Which extends Remote {
  task?: string
  fingerprint?: string
  all?: boolean
  dryRun?: boolean
}

async function listDead ({ task, ...given }: Which): Promise<void> {
  const client = await Client.find(given)
  const groups = await client.get<Group[]>(`/api/dead${task === undefined ? '' : `?task=${encodeURIComponent(task)}`}`)
  if (given.json) return sayJson(groups)
  const rows = groups.map((
    { task: id, fingerprint, count, last_at: last, message }
  ) => [id, String(count), agoWords(last), fingerprint, message])
  say(
    rows.length === 0
      ? 'No run has failed for good.'
      : table(['TASK', 'RUNS', 'LAST', 'FINGERPRINT', 'FAILED OF'], rows)
  )
}

/** The body that says which; null when runs are named by id. */
function bodyOf (ids: readonly string[], { task, fingerprint, all, dryRun }: Which): Record<string, unknown> | null {
  const said = task !== undefined || fingerprint !== undefined || all === true
  if (ids.length > 0 && !said && !dryRun) return null
  if (ids.length > 0) {
    throw usageInvalid('runs are named, and what goes with a filter alone',
      'Leave out the runs, or --task, --fingerprint, --all and --dry-run.')
  }
  if (!said) throw usageInvalid('which runs is not said', 'Name a run, --task, --fingerprint or --all.')
  return {
    ...task !== undefined && { task },
    ...fingerprint !== undefined && { fingerprint },
    ...all && { all },
    ...dryRun && { dry_run: true }
  }
}

const replayOne = (client: Client) => async (id: string): Promise<RunAnswer> => {
  const { state } = await client.get<RunAnswer>(`/api/runs/${encodeURIComponent(id)}`)
  if (state !== 'failed') throw runConflict({ id, state, wanted: 'replayed: only failed runs are' })
  return await again(client)(id)
}

async function replay (ids: string[], { every, ...given }: Which & { every?: string }): Promise<void> {
  const body = bodyOf(ids, given)
  const client = await Client.find(given)
  if (body === null) {
    return await eachOf({
      ids,
      act: replayOne(client),
      told: run => `${run.id} ${stateWords(run.label)}`,
      json: given.json
    })
  }
  const counted = await client.post<Counted>('/api/dead/replay', {
    ...body,
    ...every !== undefined && { every: durationOf(every) }
  })
  if (given.json) return sayJson(counted)
  tellCount(counted, { verb: 'queued again' })
}

async function discard (ids: string[], { reason, ...given }: Which & { reason: string }): Promise<void> {
  const body = bodyOf(ids, given)
  const client = await Client.find(given)
  const one = (id: string) => client.post<RunAnswer>(`/api/dead/${encodeURIComponent(id)}/discard`, { reason })
  if (body === null) return await eachOf({ ids, act: one, told: run => `${run.id} is discarded`, json: given.json })
  const counted = await client.post<Counted>('/api/dead/discard', { ...body, reason })
  if (given.json) return sayJson(counted)
  tellCount(counted, { verb: 'discarded' })
}

const which = (command: Command): Command =>
  remote(command)
    .option('--task <id>', 'all of this task')
    .option('--fingerprint <sign>', 'all that failed of this')
    .option('--all', 'all there are')
    .option('--dry-run', 'count them and change nothing')

/** `dead`, `replay` and `discard`. */
export function addDead (program: Command): void {
  remote(program.command('dead').description('list what has failed for good, by task and what it failed of')).option(
    '--task <id>',
    'only of this task'
  ).action(listDead)
  which(program.command('replay [runs...]').description('queue failed runs again: one, some or all'))
    .option('--every <duration>', 'how far apart they become due')
    .action(replay)
  which(program.command('discard [runs...]').description('remove failed runs')).requiredOption('--reason <text>',
    'why; it is recorded').action(discard)
}
