import type { Command } from 'commander'
import type { ForecastView } from '../remote/answers.ts'
import type { Remote } from '../remote/options.ts'
import { MOST_HOURS } from '../../model/forecast/forecast.ts'
import { Client } from '../remote/client.ts'
import { durationWords, timeWords } from '../terminal/run-words.ts'
import { remote, whole } from '../remote/options.ts'
import { say, sayJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'

interface Foreseen {
  from: string
  to: string
  items: ForecastView[]
}

/** How sure a start is, and what it depends on: with what it says where that is closed now. */
function sureWords ({ certainty, depends_on: all }: ForecastView): string {
  if (all.length === 0) return certainty
  const words = [
    ...all.filter(({ ok }) => !ok).map(({ gate, message }) => `${gate} (${message})`),
    ...all.filter(({ ok }) => ok).map(({ gate }) => gate)
  ]
  return `${certainty}: ${words.join(', ')}`
}

/** The likely start, and the spread where there is one. */
function startWords ({
  stage,
  nominal_at: nominal,
  earliest_at: earliest,
  likely_at: likely,
  latest_at: latest
}: ForecastView): string {
  if (stage === 'running') return 'runs'
  const start = likely === null ? '-' : likely === nominal ? 'then' : timeWords(likely)
  return earliest === latest || earliest === null
    ? start
    : `${start} (${timeWords(earliest)} to ${latest === null ? '?' : timeWords(latest)})`
}

function rowOf (start: ForecastView): string[] {
  const { nominal_at: nominal, task, took, ends_at: ends } = start
  return [
    timeWords(nominal),
    task,
    startWords(start),
    timeWords(ends),
    sureWords(start),
    took === null ? '-' : `${durationWords(took.p50)} (at most ${durationWords(took.p90)})`
  ]
}

async function forecast ({ hours, ...given }: Remote & { hours: number }): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.get<Foreseen>(`/api/forecast?hours=${hours}`)
  if (given.json) return sayJson(answer)
  say(answer.items.length === 0 ? `Nothing is planned for the next ${hours} h.` : table(
    ['WHEN', 'TASK', 'START', 'END', 'SURE', 'TAKES'],
    answer.items.map(rowOf)
  ))
}

/** `forecast`: what will run when. */
export function addForecast (program: Command): void {
  remote(program.command('forecast').description('what will run when, how sure that is, and what it depends on'))
    .option('--hours <count>', 'how far to look', whole('--hours', 1, MOST_HOURS), 24)
    .action(forecast)
}
