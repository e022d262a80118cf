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

/** How long past runs of a task took, ms: the median, nine in ten, the longest, and how many were looked at. */
export interface Took {
  p50: number
  p90: number
  most: number
  runs: number
}

/** A task as it goes from thread to thread: everything but its work. */
export type PlainTask = Omit<Task, 'work'>

/** What is so at one instant (epoch ms), as plain data: all that a forecast starts from. */
export interface ForecastInput {
  at: number
  config: Config
  tasks: PlainTask[]
  schedules: Schedule[]
  /** Runs that are queued or blocked, with what they wait for. */
  waiting: (Run & Pick<FullRun, 'after'>)[]
  running: Run[]
  /** Ended runs of tasks that others depend on, newest first. */
  ended: Run[]
  pauses: Pause[]
  trials: Trials
  /** What the engine keeps of pauses and breakers, by name. */
  facts: { name: string, value: Json }[]
  /** Starts that queues with a rate have left. */
  rates: Record<string, Bucket>
  /** As the gates see it, and what it was made of. */
  reading: Reading
  hysteresis: Hysteresis | null
  activity: Histogram
  took: Record<string, Took>
}

/** `certain`: the start comes within its spread whatever the readings will be. `conditional`: it depends on what is
 *  named. */
export const CERTAINTIES = ['certain', 'conditional'] as const
export type Certainty = typeof CERTAINTIES[number]

/** `running`: it has started. `waiting`: the run exists. `planned`: a schedule will make it. */
export const STAGES = ['running', 'waiting', 'planned'] as const
export type Stage = typeof STAGES[number]

/** What a start depends on: a gate, whether it is open as things are now, and what it says now or what may close it. */
export interface Dependence {
  gate: string
  ok: boolean
  message: string
}

/** One start to come, or a run that runs. Instants are epoch ms. */
export interface ForecastItem {
  task: string
  /** The run, when it exists. */
  run: string | null
  schedule: string | null
  stage: Stage
  nominal_at: number
  /** It starts no earlier; null: it cannot start as things are. */
  earliest_at: number | null
  /** When it starts if the machine stays as it is now; null: then it does not start within the hours asked for. */
  likely_at: number | null
  /** It starts no later; null: no instant can be given. */
  latest_at: number | null
  certainty: Certainty
  depends_on: Dependence[]
  /** When it ends if it starts at `likely_at` and takes the median time of past runs. */
  ends_at: number | null
  took: Took | null
}

/** What may come from `from` up to `to`, in order of the likely starts. */
export interface Forecast {
  from: number
  to: number
  items: ForecastItem[]
}

/** No more starts than this are foreseen at once. */
export const MOST_STARTS = 10_000

/** No longer time is looked ahead. */
export const MOST_HOURS = 14 * 24

/** A run of a task of which nothing is known is expected to take so long, ms. */
export const EXPECTED_MS = 60_000
