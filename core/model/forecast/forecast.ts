import type { Bucket } from '../config/queue.ts'
import type { Config } from '../config/config.ts'
import type { Histogram } from '../machine/activity.ts'
import type { Json } from '../json/json.ts'
import type { FullRun, Run } from '../run/run.ts'
import type { Pause, Trials } from '../conditions/gate.ts'
import type { Reading } from '../machine/reading.ts'
import type { Hysteresis } from '../machine/hysteresis.ts'
import type { Schedule } from '../schedule/schedule.ts'
import type { Task } from '../task/task.ts'

/** How long past runs of a task took, ms: median, 90th percentile and longest; `runs`: how many were counted. */
export interface Took {
  p50: number
  p90: number
  most: number
  runs: number
}

/** A task as it is sent between threads: everything but its function. */
export type PlainTask = Omit<Task, 'work'>

/** Everything that a forecast starts from at one instant (epoch ms), as plain data. */
export interface ForecastInput {
  at: number
  config: Config
  tasks: PlainTask[]
  schedules: Schedule[]
  /** Queued and blocked runs, with their prerequisites. */
  waiting: (Run & Pick<FullRun, 'after'>)[]
  running: Run[]
  /** Ended runs of tasks that others depend on, newest first. */
  ended: Run[]
  pauses: Pause[]
  trials: Trials
  /** The facts that the engine stores about pauses and breakers. */
  facts: { name: string, value: Json }[]
  /** The starts left, by queue with a rate. */
  rates: Record<string, Bucket>
  /** The reading as the gates see it, and the state it was smoothed with. */
  reading: Reading
  hysteresis: Hysteresis | null
  activity: Histogram
  took: Record<string, Took>
}

/** `certain`: the run starts between its earliest and latest instant under any readings. `conditional`: the start
 *  depends on the gates in `depends_on`. */
export const CERTAINTIES = ['certain', 'conditional'] as const
export type Certainty = typeof CERTAINTIES[number]

/** `running`: the run has started. `waiting`: the run exists. `planned`: a schedule will add it. */
export const STAGES = ['running', 'waiting', 'planned'] as const
export type Stage = typeof STAGES[number]

/** A gate that a start depends on: whether it is open now, and its message now or what may close it. */
export interface Dependence {
  gate: string
  ok: boolean
  message: string
}

/** One future start, or a running run. Instants are epoch ms. */
export interface ForecastItem {
  task: string
  /** The run, when it exists. */
  run: string | null
  schedule: string | null
  stage: Stage
  nominal_at: number
  /** The earliest start; null: it cannot start as things stand. */
  earliest_at: number | null
  /** The start if the machine stays as it is now; null: not within the requested time. */
  likely_at: number | null
  /** The latest start; null: unknown. */
  latest_at: number | null
  certainty: Certainty
  depends_on: Dependence[]
  /** The end if it starts at `likely_at` and takes the median time of past runs. */
  ends_at: number | null
  took: Took | null
}

/** The starts expected from `from` up to `to` (epoch ms), in order of their likely starts. */
export interface Forecast {
  from: number
  to: number
  items: ForecastItem[]
}

/** Maximum number of starts in a forecast. */
export const MOST_STARTS = 10_000

/** Maximum length of a forecast, hours. */
export const MOST_HOURS = 14 * 24

/** How long a run of a task without past runs is expected to take, ms. */
export const EXPECTED_MS = 60_000
