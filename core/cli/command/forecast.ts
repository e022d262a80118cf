import type { Command } from 'commander'
import type { ForecastView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { MINUTE } from '../../model/base/duration.ts'
import { MOST_HOURS } from '../../model/forecast/forecast.ts'
import { Client } from '../remote/client.ts'
import { durationWords, timeWords, zonedWords } from '../terminal/time-words.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { zonesOfTasks } from '../remote/zone-of.ts'

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

/** The time zones of the schedules of tasks. */
type Zones = ReadonlyMap<string, string>

function rowOf (start: ForecastView, zones: Zones): string[] {
  const { nominal_at: nominal, task, took, ends_at: ends } = start
  return [
    zonedWords(nominal, zones.get(task) ?? null),
    task,
    startWords(start),
    timeWords(ends),
    certaintyWords(start),
    took === null ? '-' : `${durationWords(took.p50)} (at most ${durationWords(took.p90)})`
  ]
}

/** A forecast of many tasks takes seconds of processor time. */
const PATIENCE = MINUTE

/** The first start of each task, with the number of its further starts, in the order of these. */
function foldedRows (starts: readonly ForecastView[], zones: Zones): string[][] {
  const groups = Map.groupBy(starts, ({ task }) => task).values()
  return groups.map((
    [first, ...more]
  ) => [...rowOf(first!, zones),
    ...more.length === 0 ? [] : [`${more.length} more, the last ${timeWords(more.at(-1)!.nominal_at)}`]]
  ).toArray()
}

type ForecastOptions = RemoteOptions & { hours: number, task?: string, all?: boolean }

async function forecast ({ hours, task, all = false, ...given }: ForecastOptions): Promise<void> {
  const client = await Client.find(given)
  const answer = await client.get<ForecastAnswer>(`/api/forecast?hours=${hours}`, PATIENCE)
  // An unknown task must not look like one without a start.
  if (task !== undefined) await client.get(`/api/tasks/${encodeURIComponent(task)}`)
  const items = answer.items.filter(start => (task ?? start.task) === start.task)
  if (given.json) return printJson({ ...answer, items })
  if (items.length === 0) return print(`Nothing is planned for the next ${hours} h.`)
  const head = ['WHEN', 'TASK', 'START', 'END', 'CERTAINTY', 'TAKES']
  const known = await zonesOfTasks(client)
  const rows = all || task !== undefined ? items.map(start => rowOf(start, known)) : foldedRows(items, known)
  print(table(rows.some(row => row.length > head.length) ? [...head, 'THEN'] : head, rows))
}

/** `forecast`: the coming runs. */
export function addForecast (program: Command): void {
  remoteOptions(
    program.command('forecast').summary('show what will run when').description(
      'show what will run when, how certain that is, and what it depends on'
    )
  )
    .option('--hours <count>', 'how many hours to look ahead', wholeNumber('--hours', 1, MOST_HOURS), 24)
    .option('--task <id>', 'every start of this task')
    .option('--all', 'every start of every task; default: the first of each task')
    .action(forecast)
}
