import { evaluate } from '../gates/evaluate.ts'
import type { Config } from '../config/config.ts'
import type { GateAnswer, Pause } from '../gates/gate.ts'
import type { Reading } from '../machine/reading.ts'
import type { Schedule } from '../schedule/schedule.ts'
import type { Steady } from '../machine/hysteresis.ts'
import type { Task } from '../task/task.ts'
import type { Trigger } from '../trigger.ts'

/** How long runs of a task have taken, ms. */
export interface Took { p50: number, p90: number, runs: number }

/** `certain`: clock and calendar decide. `conditional`: it also hangs on power, load, network or the like. `unknown`: nobody can say when. */
export const CERTAINTIES = ['certain', 'conditional', 'unknown'] as const
export type Certainty = typeof CERTAINTIES[number]

/** One fire to come. Instants are epoch ms. */
export interface Forecast {
  task: string
  schedule: string
  nominal_at: number
  /** The earliest start that clock and calendar allow; null when nobody can say. */
  predicted_at: number | null
  certainty: Certainty
  /** The gates it hangs on, with what they say now. */
  conditions: { gate: string, code: string, ok: boolean, message: string }[]
  took: Took | null
  /** Tasks whose runs are expected to run at the same time when there are not slots for all. */
  collides_with: string[]
}

export interface ForecastAsk {
  planned: readonly { schedule: Schedule, trigger: Trigger, task: Task }[]
  took: ReadonlyMap<string, Took>
  reading: Reading
  steady: Steady | null
  config: Config
  pauses: readonly Pause[]
  slots: number
  from: number
  to: number
  /** No more fires than this are told, the earliest first. */
  limit: number
}

const MOST_STEPS = 50

/** What would run from `from` to `to`, in order: windows, pauses and DST are computed; power, load and network are named, never promised. */
export function forecast (ask: ForecastAsk): Forecast[] {
  const fires = ask.planned.flatMap(plan => firesOf(plan, ask).map(fire => ({ ...plan, ...fire })))
    .toSorted((a, b) => a.at - b.at || (a.task.id < b.task.id ? -1 : 1))
    .slice(0, ask.limit)
  return collided(fires.map(fire => foretell(fire, ask)), ask.slots)
}

interface Fire { nominal: number, at: number }

/** The fires of a schedule: the first of them where it is planned, moved or late as it may be. */
function firesOf ({ schedule, trigger }: ForecastAsk['planned'][number], { from, to, limit }: ForecastAsk): Fire[] {
  const fires: Fire[] = []
  if (schedule.next_at === null) return fires
  let at: number | null = schedule.next_at
  for (let nominal = schedule.nominal_at; nominal !== null && nominal <= to && fires.length < limit; at = nominal = trigger.next(nominal)) {
    if (at !== null && at >= from) fires.push({ nominal, at })
  }
  return fires
}

type Planned = ForecastAsk['planned'][number] & Fire

function foretell ({ schedule, task, nominal, at }: Planned, ask: ForecastAsk): Forecast {
  const { start, gates } = earliest(task, at, ask)
  const conditions = gates.filter(hangsOn).map(({ gate, code, ok, message }) => ({ gate, code, ok, message }))
  const certainty = start === null ? 'unknown' : conditions.length > 0 ? 'conditional' : 'certain'
  return { task: task.id, schedule: schedule.id, nominal_at: nominal, predicted_at: start, certainty, conditions, took: ask.took.get(task.id) ?? null, collides_with: [] }
}

/** Whether a foreseen start hangs on a gate: a general limit that is far from closing is not worth a word, what the task asks for itself always is. */
export const hangsOn = ({ certain, kind, ok, source, bypassed }: GateAnswer): boolean =>
  !certain && kind !== 'order' && bypassed === null && (!ok || source.startsWith('task definition'))

/** Moves from opening to opening of the gates that the calendar decides, until all of them are open. */
function earliest (task: Task, at: number, ask: ForecastAsk): { start: number | null, gates: GateAnswer[] } {
  const standing = { active: 0, free: ask.slots, slots: ask.slots, priorities: {}, background: 0, pauses: ask.pauses }
  let start = at
  for (let step = 0; step < MOST_STEPS; step++) {
    const run = { task: task.id, due_at: at, created_at: at, priority: task.priority, queue: task.queue, source: 'schedule' as const }
    const verdict = evaluate({ task, run, reading: ask.reading, steady: ask.steady, config: ask.config, standing, now: start })
    const closed = verdict.gates.find(({ ok, certain }) => !ok && certain)
    if (closed === undefined) return { start, gates: verdict.gates }
    if (closed.clears_at === null || closed.clears_at <= start) return { start: null, gates: verdict.gates }
    start = closed.clears_at
  }
  return { start: null, gates: [] }
}

/** Marks the runs that are expected to run at once where there are more of them than slots, and those of one task that meet each other. */
function collided (forecasts: Forecast[], slots: number): Forecast[] {
  const spans = forecasts.flatMap(one => one.predicted_at === null ? [] : [{ one, from: one.predicted_at, to: one.predicted_at + (one.took?.p50 ?? 0) }])
    .toSorted((a, b) => a.from - b.from)
  let open: typeof spans = []
  for (const span of spans) {
    open = open.filter(({ to }) => to > span.from)
    const met = open.length >= slots ? open : open.filter(({ one }) => one.task === span.one.task)
    for (const { one } of met) {
      if (!one.collides_with.includes(span.one.task)) one.collides_with.push(span.one.task)
      if (!span.one.collides_with.includes(one.task)) span.one.collides_with.push(one.task)
    }
    open.push(span)
  }
  return forecasts
}
