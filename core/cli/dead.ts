import type { Command } from 'commander'
import type { Remote } from './options.ts'
import type { RunAnswer } from './answers.ts'
import { Client } from './client.ts'
import { agoWords, stateWords } from './words.ts'
import { remote } from './options.ts'
import { say, sayJson } from './say.ts'
import { table } from './table.ts'
import { usageInvalid } from '../model/errors.ts'

interface Group { task: string, fingerprint: string, count: number, message: string, first_at: string, last_at: string }
interface Which extends Remote { task?: string, fingerprint?: string, all?: boolean, dryRun?: boolean }
interface Counted { matched: number, changed: number, vanished?: number }

async function listDead ({ task, ...given }: Which): Promise<void> {
  const client = await Client.find(given)
  const groups = await client.get<Group[]>(`/api/dead${task === undefined ? '' : `?task=${encodeURIComponent(task)}`}`)
  if (given.json) return sayJson(groups)
  const rows = groups.map(({ task: id, fingerprint, count, last_at: last, message }) => [id, String(count), agoWords(last), fingerprint, message])
  say(rows.length === 0 ? 'No run has failed for good.' : table(['TASK', 'RUNS', 'LAST', 'FINGERPRINT', 'FAILED OF'], rows))
}

function bodyOf ({ task, fingerprint, all, dryRun }: Which) {
  if (task === undefined && fingerprint === undefined && !all) throw usageInvalid('which runs is not said', 'Name a run, --task, --fingerprint or --all.')
  return { ...task !== undefined && { task }, ...fingerprint !== undefined && { fingerprint }, ...all && { all }, ...dryRun && { dry_run: true } }
}

function tellCount ({ matched, changed, vanished = 0 }: Counted, verb: string, { dryRun }: Which): void {
  const rest = vanished === 0 ? '' : `; ${vanished} of tasks that are no more stay as they are`
  const count = dryRun ? matched : changed
  say(`${count} ${count === 1 ? 'run' : 'runs'} ${dryRun ? 'would be' : count === 1 ? 'is' : 'are'} ${verb}${rest}`)
}

async function replay (id: string | undefined, { every, ...given }: Which & { every?: string }): Promise<void> {
  const client = await Client.find(given)
  if (id !== undefined) {
    const run = await client.post<RunAnswer>(`/api/runs/${encodeURIComponent(id)}/retry`)
    return given.json ? sayJson(run) : say(`${run.id} ${stateWords(run.label)}`)
  }
  const counted = await client.post<Counted>('/api/dead/replay', { ...bodyOf(given), ...every !== undefined && { every } })
  if (given.json) return sayJson(counted)
  tellCount(counted, 'queued again', given)
}

async function discard (id: string | undefined, { reason, ...given }: Which & { reason: string }): Promise<void> {
  const client = await Client.find(given)
  const counted = id === undefined
    ? await client.post<Counted>('/api/dead/discard', { ...bodyOf(given), reason })
    : await client.post<RunAnswer>(`/api/dead/${encodeURIComponent(id)}/discard`, { reason }).then(() => ({ matched: 1, changed: 1 }))
  if (given.json) return sayJson(counted)
  tellCount(counted, 'discarded', given)
}

const which = (command: Command): Command => remote(command)
  .option('--task <id>', 'all of this task')
  .option('--fingerprint <sign>', 'all that failed of this')
  .option('--all', 'all there are')
  .option('--dry-run', 'count them and change nothing')

/** `dead`, `replay` and `discard`. */
export function addDead (program: Command): void {
  remote(program.command('dead').description('list what has failed for good, by task and what it failed of')).option('--task <id>', 'only of this task').action(listDead)
  which(program.command('replay [run]').description('queue failed runs again: one, some or all'))
    .option('--every <span>', 'how far apart they become due')
    .action(replay)
  which(program.command('discard [run]').description('remove failed runs')).requiredOption('--reason <text>', 'why; it is recorded').action(discard)
}
