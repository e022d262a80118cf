import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunFilter } from '../input/run-filter.ts'
import type { RunsAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { filterOptions } from '../input/run-filter.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'
import { runTable } from '../terminal/run-table.ts'

const FIELDS = ['task', 'state', 'queue', 'source', 'schedule', 'from', 'to'] as const

type RunsOptions = RemoteOptions & Pick<RunFilter, typeof FIELDS[number]> & { limit: number }

async function runs ({ limit, ...given }: RunsOptions): Promise<void> {
  const client = await Client.find(given)
  const filter = FIELDS.flatMap(name => given[name] === undefined ? [] : [[name, given[name]]])
  const query = new URLSearchParams([['limit', String(limit)], ...filter])
  const answer = await client.get<RunsAnswer>(`/api/runs?${query}`)
  if (given.json) return printJson(answer)
  print(answer.items.length === 0 ? 'There are no runs.' : runTable(answer.items))
}

/** `runs`: runs that match a filter. */
export function addRuns (program: Command): void {
  filterOptions(remoteOptions(program.command('runs').description('list runs, newest first')))
    .option('--limit <count>', 'how many', wholeNumber('--limit', 1, 200), 20)
    .action(runs)
}
