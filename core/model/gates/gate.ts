import type { Advice, Recommendation } from './recommend.ts'
import type { Class } from '../task/constraint.ts'
import type { Classed } from './classify.ts'
import type { Config } from '../config/config.ts'
import type { Crowd } from './crowd.ts'
import type { Deadline } from './relax.ts'
import type { Json } from '../base/json.ts'
import type { Prior } from './dependency.ts'
import type { Priority, Run } from '../run/run.ts'
import type { Reading } from '../machine/reading.ts'
import type { Steady } from '../machine/hysteresis.ts'
import type { Task } from '../task/task.ts'

/** The run as far as gates look at it. What is absent is that of an ordinary run. */
export type Waiting = Pick<Run, 'task' | 'due_at'> & Partial<Pick<Run, 'priority' | 'queue' | 'source' | 'created_at'>>

/** A pause made by hand. `name`: of the queue, task or tag; `until`: epoch ms, or null for as long as it is not taken back. */
export interface Pause {
  scope: 'all' | 'queue' | 'task' | 'tag'
  name: string | null
  until: number | null
  by: string
  at: number
  reason?: string | null
}

/** Tasks that a breaker has paused and that are tried with one run: that run, or null as long as none does. */
export type Trials = ReadonlyMap<string, { run: string | null }>

/** What is so in this process right now, beside the run itself. */
export interface Standing {
  /** Runs of the same task that are running. */
  active: number
  /** Slots of this process that are free, and how many there are. */
  free: number
  slots: number
  /** Runs that are running, by priority. */
  priorities: Readonly<Partial<Record<Priority, number>>>
  /** Runs of the class background that are running. */
  background: number
  /** What running runs take of queues and locks; absent: nobody runs. */
  crowd?: Crowd
  /** What the tasks have done that others depend on, by id. */
  priors?: ReadonlyMap<string, Prior>
  /** The tasks that there are; absent: nobody knows. */
  known?: Pick<ReadonlyMap<string, unknown>, 'has'>
  pauses: readonly Pause[]
  /** Absent: none. */
  trials?: Trials
}

export interface GateAsk {
  task: Task | undefined
  run: Waiting
  reading: Reading
  config: Config
  standing: Standing
  now: number
  class: Class
  /** How far limits have given way as the deadline nears, 0 to 1. */
  relaxed: number
}

/** Why a closed gate was passed. */
export type Bypass = 'critical' | 'deadline' | 'on_unmet'

/** `order`: nothing passes it. `safety`: critical runs wait at it too. `condition`: critical runs and runs at their deadline pass it. */
export type GateKind = 'order' | 'safety' | 'condition'

/** What one gate says of a run. */
export interface Said {
  gate: string
  ok: boolean
  code: string
  message: string
  observed: Json
  required: Json
  /** Epoch ms at which it opens, or null when it is open or that cannot be known. */
  clears_at: number | null
  /** True when the answer follows from clock, calendar and definitions alone; false when it hangs on a reading. */
  certain: boolean
  /** A JSON pointer into config.json, `task definition` with a pointer into it, or another word for where the requirement comes from. */
  source: string
  /** The limit before it gave way, where it did. */
  relaxed_from?: Json
}

/** One gate's answer: a gate that was passed although it is closed is `ok` and says why. */
export type GateAnswer = Said & { kind: GateKind, bypassed: Bypass | null }

/** One condition on starting: pure, and the same for the runner, the list, `why` and the forecast. Null: nothing asks for it. */
export type Gate = (ask: GateAsk) => Said | null

/** Everything that a verdict hangs on. `steady` null: the reading counts as it stands. */
export interface EvaluateAsk {
  task: Task | undefined
  run: Waiting
  reading: Reading
  steady: Steady | null
  config: Config
  standing: Standing
  now: number
}

/** All gates of a run together. `fail`, `skip`: it is held at its deadline, or its conditions are unmet, and its task wants it so. */
export interface Verdict {
  decision: 'start' | 'hold' | 'skip' | 'fail'
  gates: GateAnswer[]
  /** The class of its task and the word that decided. */
  class: Classed
  /** Until when it may be held; null while no task has its id. */
  deadline: Deadline | null
  /** How far limits have given way, 0 to 1. */
  relaxed: number
  advice: Advice
  recommendation: Recommendation
  /** True when the start is for this run and not for the others of its task, which may be further from their deadlines. */
  alone: boolean
}

/** One of the runs that a look is about. `active`: runs of the same task that are running. */
export interface Subject { task: Task | undefined, run: Waiting, active: number }

/** As much of a verdict as a start hangs on. `gates`: those alone that are closed or were passed, in no order. */
export type Judgement = Pick<Verdict, 'decision' | 'gates' | 'class' | 'alone'>

/** What becomes of a running run, and the gate that closed on it. */
export interface Lost { decision: 'continue' | 'yield' | 'cancel', reason: GateAnswer | null }

/** Where a constraint of the task stands. */
export const inDefinition = (name: string): string => `task definition /constraints/${name}`

/** What most gates hang on: a reading, with nothing to say of when it will change. */
export const READ = { clears_at: null, certain: false } as const

/** 0.734 as `73 %`. */
export const shareWords = (value: number): string => `${Math.round(value * 100)} %`

/** A number of at most two decimals. */
export const rounded = (value: number): number => Math.round(value * 100) / 100
