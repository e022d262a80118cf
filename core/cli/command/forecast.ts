import type { Command } from 'commander'
import type { ForecastView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { MINUTE } from '../../model/base/duration.ts'
import { MOST_HOURS } from '../../model/forecast/forecast.ts'
import { Client } from '../remote/client.ts'
import { durationWords, timeWords } from '../terminal/time-words.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'

interface ForecastAnswer {
  from: string
  to: string
  items: ForecastView[]
}

/** How certain a start is, and the gates that it depends on: closed ones first, with their reasons. */
function certaintyWords ({ certainty, depends_on: all }: ForecastView): string {
  if (all.length === 0) return certainty
  const words = [
    ...all.filter(({ ok }) => !ok).map(({ gate, message }) => `${gate} (${message})`),
    ...all.filter(({ ok }) => ok).map(({ gate }) => gate)
  ]
  return `${certainty}: ${words.join(', ')}`
}

/** The likely start, and the range around it if there is one. */
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
    certaintyWords(start),
    took === null ? '-' : `${durationWords(took.p50)} (at most ${durationWords(took.p90)})`
  ]
}

/** A forecast of many tasks takes seconds of processor time. */
const PATIENCE = MINUTE

async function forecast ({ hours, ...given }: RemoteOptions & { hours: number }): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.get<ForecastAnswer>(`/api/forecast?hours=${hours}`, PATIENCE)
  if (given.json) return printJson(answer)
  print(answer.items.length === 0 ? `Nothing is planned for the next ${hours} h.` : table(
    ['WHEN', 'TASK', 'START', 'END', 'CERTAINTY', 'TAKES'],
    answer.items.map(rowOf)
  ))
}

/** `forecast`: the coming runs. */
export function addForecast (program: Command): void {
  remoteOptions(
    program.command('forecast').description('show what will run when, how certain that is, and what it depends on')
  )
    .option('--hours <count>', 'how many hours to look ahead', wholeNumber('--hours', 1, MOST_HOURS), 24)
    .action(forecast)
}
