import type { Command } from 'commander'
import type { FullRunView, RunAnswer } from '../remote/answers.ts'
import type { RemoteOptions } from '../remote/options.ts'
import type { pointView } from '../../model/view/machine-view.ts'
import { Client } from '../remote/client.ts'
import { stateCell, whyWords } from '../terminal/run-words.ts'
import { durationWords, timeWords } from '../terminal/time-words.ts'
import { pastInstant, remoteOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { sizeWords } from '../../model/base/size.ts'
import type { Cell } from '../terminal/table.ts'
import { table } from '../terminal/table.ts'

type PointAnswer = ReturnType<typeof pointView>
type Ran = RunAnswer & { used?: FullRunView['used'] }
interface Timeline {
  from: string
  to: string
  runs: Ran[]
  complete: boolean
  readings: PointAnswer[]
}

const LOADS = ['cpu_busy', 'memory_used', 'io_busy'] as const
const share = (value: number) => `${Math.round(value * 100)} %`

function numbersIn (points: readonly PointAnswer[], field: typeof LOADS[number]): number[] {
  return points.map(({ values }) => values[field]).filter(value => typeof value === 'number')
}

function meanWords (points: readonly PointAnswer[], field: typeof LOADS[number]): string {
  const numbers = numbersIn(points, field)
  return numbers.length === 0 ? '-' : share(numbers.reduce((sum, value) => sum + value, 0) / numbers.length)
}

/** The points that apply to a part of [from, to]. The last point before it is one of them: a point applies until the
 *  next. */
function pointsIn (points: readonly PointAnswer[], from: string, to: string): PointAnswer[] {
  const last = points.findLastIndex(({ at }) => at <= from)
  return points.filter(({ at }, index) => index === last || (at > from && at < to))
}

/** Processor time and memory of a run that has a process or thread of its own. */
const usedWords = ({ used = null }: Ran) =>
  used === null ? '-' : `${durationWords(used.cpu_seconds)}, ${sizeWords(used.memory_peak_bytes)}`

function rowOf (run: Ran, { to, readings }: Timeline): Cell[] {
  const meanwhile = pointsIn(readings, run.started_at!, run.finished_at ?? to)
  return [run.id, run.task, stateCell(run.label), timeWords(run.started_at), timeWords(run.finished_at),
    durationWords(run.duration), usedWords(run), ...LOADS.map(field => meanWords(meanwhile, field)), whyWords(run)]
}

/** The machine over the whole span: mean and maximum. */
function machineWords (readings: readonly PointAnswer[]): string {
  const loads = LOADS.map(field => {
    const numbers = numbersIn(readings, field)
    return numbers.length === 0
      ? ''
      : `${field.replace(/_.*/, '')} ${meanWords(readings, field)}, ${share(Math.max(...numbers))} at most`
  }).filter(Boolean)
  return loads.length === 0 ? 'There are no readings of the machine of that time.' : `The machine: ${loads.join('; ')}.`
}

/** What ran in a span of time: each run with its own usage and the load of the machine meanwhile. */
export function timelineWords (answer: Timeline): string {
  const { runs, readings, complete, from, to } = answer
  const head = ['RUN', 'TASK', 'STATE', 'FROM', 'TO', 'TOOK', 'USED', 'CPU', 'MEMORY', 'IO', 'WHY']
  return [
    runs.length === 0
      ? `Nothing ran from ${timeWords(from)} to ${timeWords(to)}.`
      : table(head, runs.map(run => rowOf(run, answer))),
    ...complete ? [] : ['Not every run is shown, as there are too many: choose a shorter time.'],
    machineWords(readings)
  ].join('\n')
}

async function timeline ({ from, to, ...given }: RemoteOptions & { from?: string, to?: string }): Promise<void> {
  const client = await Client.find(given)
  const query = new URLSearchParams({ ...from !== undefined && { from }, ...to !== undefined && { to } })
  const answer = await client.get<Timeline>(`/api/timeline?${query}`)
  if (given.json) return printJson(answer)
  print(timelineWords(answer))
}

/** `timeline`: past runs beside the load of the machine. */
export function addTimeline (program: Command): void {
  remoteOptions(
    program.command('timeline').summary('show what ran when').description(
      'show what ran when, with the load of the machine meanwhile; default: the last hour'
    )
  )
    .option('--from <instant>', "start: '05:00' (the last one), 'yesterday 22:00', '2h ago', or an instant with a zone",
      pastInstant('--from'))
    .option('--to <instant>', 'end; default: now', pastInstant('--to'))
    .action(timeline)
}
