import type { MachineView, RunAnswer, TaskView } from '../remote/answers.ts'
import { whyWords } from './run-words.ts'
import { agoWords, durationWords, timeWords } from './time-words.ts'
import { known } from '../../model/machine/reading.ts'
import { plain, styled } from './output.ts'
import { barWords } from './follow.ts'
import { cut, table, widthOf } from './table.ts'
import { stripVTControlCharacters } from 'node:util'

/** Everything that one frame shows; `lost`: the server does not answer, and this is its last answer. */
export interface Snapshot {
  running: RunAnswer[]
  waiting: RunAnswer[]
  tasks: TaskView[]
  machine: MachineView
  lost: boolean
}

const NEXT = 8
const share = (value: number) => `${Math.round(value * 100)} %`

function machineLine ({ reading, profile }: MachineView): string {
  const { power, battery, cpu, memory, temperature } = reading
  const facts = [
    known(power) ? `on ${power}` : '',
    battery.present === true && known(battery.level) ? `battery ${Math.round(battery.level)} %` : '',
    known(cpu.busy) ? `cpu ${share(cpu.busy)}` : '',
    known(memory.used) ? `memory ${share(memory.used)}` : '',
    known(temperature) ? `${Math.round(temperature)} °C` : '',
    `profile ${profile}`
  ]
  return facts.filter(fact => fact !== '').join('  ')
}

const section = (name: string, lines: string[]) => ['', styled('bold', name), ...lines]

function runningLines (runs: readonly RunAnswer[], room: number, now: number): string[] {
  if (runs.length === 0) return ['nothing']
  const rows = runs.map(
    run => [run.id, run.task,
      durationWords(run.started_at === null ? null : Math.max(0, now - Date.parse(run.started_at)) / 1000),
      run.progress === null ? '' : barWords(run)]
  )
  return table(['RUN', 'TASK', 'FOR', 'PROGRESS'], rows, room).split('\n')
}

function heldLines (runs: readonly RunAnswer[], room: number, now: number): string[] {
  if (runs.length === 0) return ['nothing']
  return table(['RUN', 'TASK', 'DUE', 'WHY'],
    runs.map(run => [run.id, run.task, agoWords(run.due_at, now), whyWords(run) || run.label]), room).split('\n')
}

function nextLines ({ tasks, waiting }: Snapshot, room: number, now: number): string[] {
  const due = waiting.filter(({ due_at: at }) => Date.parse(at) > now).map(({ task, due_at: at }) => ({
    task,
    at,
    paused: tasks.find(({ id }) => id === task)?.paused ?? null
  }))
  const fires = tasks.flatMap(({ id: task, next_run: at, paused }) => at === null ? [] : [{ task, at, paused }])
  const next = [...due, ...fires].toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(0, NEXT)
  return next.length === 0
    ? ['nothing']
    : table(['AT', 'TASK', 'IN'], next.map((
      { task, at, paused }
    ) => [timeWords(at, now), task, `${agoWords(at, now)}${paused ? ', paused' : ''}`]), room)
      .split('\n')
}

/** The running, held and next runs, in at most this many rows and columns. */
export function frameOf (
  snapshot: Snapshot,
  { rows, columns, now }: { rows: number, columns: number, now: number }
): string {
  const { running, waiting, machine, lost } = snapshot
  const held = waiting.filter(({ due_at: at }) => Date.parse(at) <= now)
  const head = `offpeak  ${
    timeWords(new Date(now).toISOString(), now)
  }  ${running.length} running, ${held.length} waiting  ${machineLine(machine)}`
  const lines = [
    plain(head).slice(0, columns),
    ...lost ? [styled('red', 'the server does not answer; this is its last state')] : [],
    ...section('RUNNING', runningLines(running, columns, now)),
    ...section('HELD OR QUEUED', heldLines(held, columns, now)),
    ...section('NEXT', nextLines(snapshot, columns, now))
  ]
  // A line that wrapped would move the whole frame.
  return lines.slice(0, rows).map(line =>
    widthOf(line) <= columns ? line : cut(stripVTControlCharacters(line), columns)
  )
    .join('\n')
}
