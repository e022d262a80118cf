import type { Command } from 'commander'
import type { ForecastView } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import { MINUTE } from '../../model/base/duration.ts'
import { MOST_HOURS } from '../../model/forecast/forecast.ts'
import { Client } from '../remote/client.ts'
import { durationWords, isElsewhere, timeWords, zonedWords } from '../terminal/time-words.ts'
import { remoteOptions, wholeNumber } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { roomOf, table, wrapped } from '../terminal/table.ts'
import { zonesOfTasks } from '../remote/zone-of.ts'

interface ForecastAnswer {
  from: string
  to: string
  items: ForecastView[]
}

/** The gates that a start depends on: closed ones first, with their reasons. */
function dependsWords ({ depends_on: all }: ForecastView): string {
  const words = [
    ...all.filter(({ ok }) => !ok).map(({ gate, message }) => `${gate} (${message})`),
    ...all.filter(({ ok }) => ok).map(({ gate }) => gate)
  ]
  return words.length === 0 ? '' : `depends on ${words.join(', ')}`
}

/** The likely start; otherwise the earliest one. */
function startWords ({ stage, nominal_at: nominal, earliest_at: earliest, likely_at: likely }: ForecastView): string {
  if (stage === 'running') return 'runs'
  const start = likely ?? earliest
  return start === null ? 'unknown' : start === nominal ? 'on time' : timeWords(start)
}

/** The range of instants in which it starts, if there is one. */
function rangeWords ({ stage, earliest_at: earliest, latest_at: latest }: ForecastView): string {
  if (stage === 'running') return ''
  if (earliest === null) return 'cannot start as things stand'
  if (earliest === latest) return ''
  return `starts ${timeWords(earliest)} ${latest === null ? 'or later' : `to ${timeWords(latest)}`}`
}

/** The time zones of the schedules of tasks. */
type Zones = ReadonlyMap<string, string>

/** A start, and how many more of its task follow. */
interface Entry {
  start: ForecastView
  more: ForecastView[]
}

function rowOf ({ start }: Entry): string[] {
  const { nominal_at: nominal, task, took, ends_at: ends, certainty } = start
  return [timeWords(nominal), task, startWords(start), timeWords(ends), certainty,
    took === null ? '-' : `${durationWords(took.p50)} (at most ${durationWords(took.p90)})`]
}

/** What does not fit the row. */
function detailOf ({ start, more }: Entry, zones: Zones): string {
  const { nominal_at: nominal, task } = start
  const zone = zones.get(task)
  return [
    zone !== undefined && isElsewhere(nominal, zone) ? zonedWords(nominal, zone) : '',
    rangeWords(start),
    dependsWords(start),
    more.length === 0 ? '' : `${more.length} more, the last ${timeWords(more.at(-1)!.nominal_at)}`
  ].filter(Boolean).join('; ')
}

/** The first start of each task, with its further starts, in the order of these. */
const folded = (starts: readonly ForecastView[]): Entry[] =>
  [...Map.groupBy(starts, ({ task }) => task).values()].map(([start, ...more]) => ({ start: start!, more }))

/** The columns of lines below a row where the terminal has more, or there is none. */
const WIDEST = 100

/** A row for each start, and below it, indented, what it depends on. */
export function forecastWords (
  { starts, zones, isWhole }: { starts: readonly ForecastView[], zones: Zones, isWhole: boolean },
  room = roomOf(process.stdout)
): string {
  const entries = isWhole ? starts.map(start => ({ start, more: [] })) : folded(starts)
  const [head, ...rows] = table(['WHEN', 'TASK', 'START', 'END', 'CERTAINTY', 'TAKES'], entries.map(rowOf), room)
    .split('\n')
  const width = Math.min(room, WIDEST)
  return [head, ...rows.flatMap((row, index) => {
    const detail = detailOf(entries[index]!, zones)
    return detail === '' ? [row] : [row, ...wrapped(detail, width)]
  })].join('\n')
}

/** A forecast of many tasks takes seconds of processor time. */
const PATIENCE = MINUTE

type ForecastOptions = RemoteOptions & { hours: number, task?: string, all?: boolean }

async function forecast (
  word: string | undefined,
  { hours, task: named, all = false, ...given }: ForecastOptions
): Promise<void> {
  const task = word ?? named
  const client = await Client.find(given)
  const answer = await client.get<ForecastAnswer>(`/api/forecast?hours=${hours}`, PATIENCE)
  // An unknown task must not look like one without a start.
  if (task !== undefined) await client.get(`/api/tasks/${encodeURIComponent(task)}`)
  const items = answer.items.filter(start => (task ?? start.task) === start.task)
  if (given.json) return printJson({ ...answer, items })
  if (items.length === 0) return print(`Nothing is planned for the next ${hours} h.`)
  print(forecastWords({ starts: items, zones: await zonesOfTasks(client), isWhole: all || task !== undefined }))
}

/** `forecast`: the coming runs. */
export function addForecast (program: Command): void {
  remoteOptions(
    program.command('forecast [task]').summary('show what will run when').description(
      'show what will run when, how certain that is, and what it depends on'
    )
  )
    .option('--hours <count>', 'how many hours to look ahead', wholeNumber('--hours', 1, MOST_HOURS), 24)
    .option('--task <id>', 'every start of this task')
    .option('--all', 'every start of every task; default: the first of each task')
    .action(forecast)
}
