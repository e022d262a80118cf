import type { Command } from 'commander'
import { Option } from 'commander'
import type { RemoteOptions } from '../remote/options.ts'
import type { StatsView } from '../../work/desk/statistics.ts'
import { Client } from '../remote/client.ts'
import { durationWords, timeWords } from '../terminal/time-words.ts'
import { pastInstant, remoteOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'

interface StatsAnswer {
  from: string
  to: string
  items: StatsView[]
}

type StatsOptions = RemoteOptions & { by: string, every: string, from?: string, to?: string }

const percent = (share: number | null) => share === null ? '-' : `${Math.round(share * 1000) / 10} %`

const spread = ({ p50, p95 }: StatsView['run']) => p50 === null ? '-' : `${durationWords(p50)} / ${durationWords(p95)}`

const longest = ({ longest: seconds, longest_run: run }: StatsView['run']) =>
  run === null ? durationWords(seconds) : `${durationWords(seconds)} ${run}`

const rowOf = (every: string) =>
(
  { at, name, completed, failed, retries, dead, throughput, failure_rate: rate, wait, held, run, cpu_seconds: cpu }:
    StatsView
) => [
  ...every === 'all' ? [] : [timeWords(at, 0)],
  name,
  String(completed),
  String(failed),
  percent(rate),
  String(retries),
  String(dead),
  throughput.toFixed(1),
  spread(wait),
  spread(held),
  spread(run),
  longest(run),
  cpu === 0 ? '-' : durationWords(cpu)
]

async function stats ({ by, every, from, to, ...given }: StatsOptions): Promise<void> {
  const client = await Client.find(given)
  const query = new URLSearchParams({ by, every, ...from !== undefined && { from }, ...to !== undefined && { to } })
  const answer = await client.get<StatsAnswer>(`/api/stats?${query}`)
  if (given.json) return printJson(answer)
  if (answer.items.length === 0) return print('No run has ended in that time.')
  const head = [by.toUpperCase(), 'DONE', 'FAILED', 'RATE', 'RETRIES', 'DEAD', 'AN HOUR', 'WAIT P50/P95',
    'HELD P50/P95', 'RUN P50/P95', 'LONGEST', 'CPU']
  print(table([...every === 'all' ? [] : ['AT'], ...head], answer.items.map(rowOf(every))))
}

/** `stats`: statistics of ended runs. */
export function addStats (program: Command): void {
  remoteOptions(
    program.command('stats').summary('show statistics of runs').description(
      'show statistics of runs: how many, how long they waited and took, how often they failed; default: the last day'
    )
  )
    .addOption(new Option('--by <what>', 'one row per task or queue').choices(['task', 'queue']).default('task'))
    .addOption(
      new Option('--every <time>', 'one row per hour or day, or one for all of it').choices(['hour', 'day', 'all'])
        .default('all')
    )
    .option('--from <instant>', "start: '05:00' (the last one), 'yesterday 22:00', '2h ago', or an instant with a zone",
      pastInstant('--from'))
    .option('--to <instant>', 'end; default: now', pastInstant('--to'))
    .action(stats)
}
