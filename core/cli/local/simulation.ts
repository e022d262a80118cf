import { readFile } from 'node:fs/promises'
import type { Change } from '../../model/machine/recording.ts'
import type { HeldSum, SimulatedRun, Simulation } from '../../simulate/simulate.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { TaskManager } from '../../manager.ts'
import { DAY, spanWords } from '../../model/base/duration.ts'
import { changesFromCsv, changesFromPoints } from '../../model/machine/recording.ts'
import { INSTANT_EXPECTED, instantOf } from '../../model/base/instant.ts'
import { iso } from '../../model/base/clock.ts'
import { taskHistory, recordedReadings } from './history.ts'
import { homeOptions } from './home.ts'
import { readInstant } from '../../model/trigger/instant.ts'
import { print, printJson, printNote } from '../terminal/output.ts'
import { simulate } from '../../simulate/simulate.ts'
import { stateWords } from '../terminal/run-words.ts'
import { timeWords } from '../terminal/time-words.ts'
import { table } from '../terminal/table.ts'
import { instantInWords } from '../remote/instant-words.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { withTasks } from './offline.ts'
import { zoneOf } from '../../model/trigger/zone.ts'

export type SimulateOptions = LocalOptions & { from?: string, to?: string, readings?: string, task?: string,
  json?: boolean }

const NO_SECONDS = /([T ]\d{1,2}:\d{2})(Z|[+-]\d\d:\d\d)?$/

/** Reads an instant, local to the configured time zone unless it has its own; null for any other text. */
const instantIn = (timezone: string) => (text: string): number | null => {
  try {
    return readInstant(text.replace(NO_SECONDS, '$1:00$2'), zoneOf(timezone, '/manager/timezone'), '')
  } catch {
    return null
  }
}

const DAY_ALONE = /^\d{4}-\d\d-\d\d$/

interface Frame {
  from: number
  to: number
  instant: (text: string) => number | null
}

function frameOf ({ from, to }: SimulateOptions, { config, clock }: TaskManager): Frame {
  const instant = instantIn(config.manager.timezone)
  const read = (name: string, text: string) => {
    const words = { side: 'future', now: clock.now(), zone: config.manager.timezone } as const
    const at = DAY_ALONE.test(text) ? instant(text) : instantOf(text) ?? instantInWords(text, words)
    if (at === null) {
      throw usageInvalid(
        `${name} is '${text.slice(0, 40)}': expected ${INSTANT_EXPECTED}, a day such as 2026-11-22, ` +
          `or words such as 'tomorrow 03:00', in ${config.manager.timezone}`
      )
    }
    return at
  }
  const start = from === undefined ? clock.now() : read('--from', from)
  const end = to === undefined ? start + DAY : read('--to', to)
  if (end <= start) throw usageInvalid('--to is not after --from')
  return { from: start, to: end, instant }
}

async function changesFor (
  { readings: file }: SimulateOptions,
  manager: TaskManager,
  { instant, from, to }: Frame
): Promise<Change[]> {
  if (file === undefined) return changesFromPoints(await recordedReadings(manager.folder, { from, to }))
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw usageInvalid(`--readings: ${file} cannot be read (${error.code ?? error.message})`)
  })
  return changesFromCsv({ text, file, instant })
}

/** `2 h 12 m: on battery; 40 m: outside off_peak`. */
const heldWords = ({ held }: SimulatedRun, to: number): string =>
  held.map(({ message, from, to: end }) =>
    `${spanWords((end ?? to) - from)}${end === null ? ' so far' : ''}: ${message}`
  ).join('; ') || '-'

const spellWords = ({ spells }: SimulatedRun): string =>
  spells.map(({ started_at: from, finished_at: to }) =>
    `${timeWords(iso(from))}${to === null ? '' : ` (${spanWords(to - from)})`}`
  ).join(', ') || '-'

function rowOf (run: SimulatedRun, to: number): string[] {
  const counted = run.missed === 0 ? '' : `, for ${run.missed} missed fires too`
  return [timeWords(iso(run.nominal_at)), run.task, spellWords(run),
    `${stateWords(run.outcome)}${run.reason === null ? '' : `: ${run.reason}`}${counted}`, heldWords(run, to)]
}

const sumWords = ({ task, message, ms, runs }: HeldSum): string[] => [task, spanWords(ms), String(runs), message]

function printSimulation ({ runs, held, from, to }: Simulation): void {
  print(
    `From ${timeWords(iso(from))} to ${timeWords(iso(to))}: ${
      runs.length === 0 ? 'nothing is planned' : `${runs.length} run${runs.length === 1 ? '' : 's'}`
    }.`
  )
  if (runs.length > 0) print(table(['PLANNED', 'TASK', 'RAN', 'OUTCOME', 'HELD'], runs.map(run => rowOf(run, to))))
  if (held.length > 0) print(`\nHeld in all:\n${table(['TASK', 'FOR', 'RUNS', 'BECAUSE'], held.map(sumWords))}`)
}

const only = ({ runs, held, ...rest }: Simulation, task: string | undefined): Simulation => ({
  ...rest,
  runs: runs.filter(run => (task ?? run.task) === run.task),
  held: held.filter(sum => (task ?? sum.task) === sum.task)
})

/** The same with instants as ISO 8601 and spans in seconds. */
const viewOf = ({ from, to, runs, held }: Simulation) => ({
  from: iso(from),
  to: iso(to),
  runs: runs.map((
    { nominal_at: nominal, due_at: due, started_at: started, finished_at: finished, held: holds, spells, ...run }
  ) => ({
    ...run,
    nominal_at: iso(nominal),
    due_at: iso(due),
    started_at: iso(started),
    finished_at: iso(finished),
    held: holds.map(hold => ({ ...hold, from: iso(hold.from), to: iso(hold.to) })),
    spells: spells.map(spell => ({ ...spell, started_at: iso(spell.started_at), finished_at: iso(spell.finished_at) }))
  })),
  held: held.map(({ ms, ...sum }) => ({ ...sum, seconds: ms / 1000 }))
})

/** Simulates the tasks and settings of a folder, and prints the runs and what held them. */
export async function simulation (given: SimulateOptions): Promise<void> {
  await withTasks(homeOptions(given), async manager => {
    if (given.task !== undefined) manager.desk.definition(given.task)
    const frame = frameOf(given, manager)
    const readings = await changesFor(given, manager, frame)
    if (readings.length === 0 && !given.json) {
      printNote('There are no readings of this time range: the machine is simulated as idle and on mains.')
    }
    const { took, activity } = await taskHistory(manager, given)
    const all = await simulate({
      config: manager.config,
      tasks: [...manager.catalog.tasks.values()],
      from: frame.from,
      to: frame.to,
      readings,
      took,
      ...activity && { activity }
    })
    const selected = only(all, given.task)
    if (given.json) return printJson(viewOf(selected))
    printSimulation(selected)
  })
}
