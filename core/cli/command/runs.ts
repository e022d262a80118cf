import type { Command } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { RunFilter } from '../input/run-filter.ts'
import type { RunsAnswer } from '../remote/answers.ts'
import { Client } from '../remote/client.ts'
import { areShownOnly, filterOptions, storedStates } from '../input/run-filter.ts'
import { print, printJson } from '../terminal/output.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'
import { labelWords } from '../terminal/run-words.ts'
import { runTable } from '../terminal/run-table.ts'

const FIELDS = ['task', 'state', 'queue', 'source', 'schedule', 'from', 'to'] as const

const MOST = 200

type RunsOptions = RemoteOptions & Pick<RunFilter, typeof FIELDS[number]> & { limit: number }

/** Runs in states that are only shown: pages are read until there are enough. */
async function shownIn (
  client: Client,
  { states, query, limit }: { states: readonly string[], query: URLSearchParams, limit: number }
): Promise<RunsAnswer> {
  const page = new URLSearchParams(query)
  page.set('limit', String(MOST))
  const items: RunsAnswer['items'] = []
  for (;;) {
    const answer = await client.get<RunsAnswer>(`/api/runs?${page}`)
    items.push(...answer.items.filter(run => [run.state, run.label, labelWords(run)].some(one => states.includes(one))))
    if (items.length >= limit || answer.next === null) return { items: items.slice(0, limit), next: answer.next }
    page.set('cursor', answer.next)
  }
}

async function runs ({ limit, ...given }: RunsOptions): Promise<void> {
  const client = await Client.find(given)
  const states = given.state?.split(',') ?? []
  const filter = FIELDS.flatMap(name => given[name] === undefined ? [] : [[name, given[name]]])
  const query = new URLSearchParams([['limit', String(limit)], ...filter])
  if (states.length > 0) query.set('state', storedStates(states).join(','))
  const answer = areShownOnly(states)
    ? await shownIn(client, { states, query, limit })
    : await client.get<RunsAnswer>(`/api/runs?${query}`)
  if (given.json) return printJson(answer)
  print(answer.items.length === 0 ? 'There are no runs.' : runTable(answer.items))
}

/** `runs`: runs that match a filter. */
export function addRuns (program: Command): void {
  filterOptions(
    remoteOptions(
      program.command('runs').alias('ps').summary('list runs, newest first').description('list runs, newest first')
    )
  )
    .option('--limit <count>', 'how many', wholeNumber('--limit', 1, MOST), 20)
    .action(runs)
}
