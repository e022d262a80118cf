import type { Advice, Recommendation } from './advice.ts'
import type { Class } from '../task/constraint.ts'
import type { Classed } from './classify.ts'
import type { Config } from '../config/config.ts'
import type { InUse } from './occupancy.ts'
import type { Deadline } from './relaxation.ts'
import type { Json } from '../json/json.ts'
import type { DependencyState } from './dependency-state.ts'
import type { Priority, Run } from '../run/run.ts'
import type { Reading } from '../machine/reading.ts'
import type { Hysteresis } from '../machine/hysteresis.ts'
import type { Task } from '../task/task.ts'

/** The run as far as gates look at it. What is absent is that of an ordinary run. Runs that share these are told apart
 *  by no gate: see `core/model/run/cohort.ts`, which says what of them makes a cohort. */
export type Waiting =
  & Pick<Run, 'task' | 'due_at'>
  & Partial<
    Pick<Run,
      'id' | 'priority' | 'queue' | 'source' | 'created_at' | 'nominal_at' | 'deadline_at' | 'attempt' | 'now'
        | 'crashes'>
  >

/** A pause made by hand. `name`: of the queue, task or tag; `until`: epoch ms, or null for as long as it is not taken
 *  back. */
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

/** A waiting run that others keep from what it needs all at once: every other run to end (`locks` null), or several
 *  locks. Those that come after it in order wait for it. */
export interface Reservation {
  task: string
  run: string
  rank: number
  due_at: number
  locks: readonly string[] | null
}

/** How many scheduled runs that were due before `since` may run at once, see `paceOf`. `next_at`: when there will be
 *  one more, or null. */
export interface Pace {
  since: number
  slots: number
  taken: number
  next_at: number | null
}

/** What runs, and what that leaves to a run that waits. */
export interface Occupancy {
  /** Runs of the same task that are running. */
  active: number
  /** Slots of this process that are free, and how many there are. */
  free: number
  slots: number
  /** Slots that only critical runs take, which fill these first. Absent: there are none. */
  reserve?: { free: number, slots: number }
  /** Runs that are running, by priority; work of the class critical counts as critical. */
  priorities: Readonly<Partial<Record<Priority, number>>>
  /** Runs of the class background that are running. */
  background: number
  /** What running runs take of queues and locks; absent: nobody runs. */
  inUse?: InUse
  /** The run that others wait for; absent: none. */
  reserved?: Reservation | null
  /** Absent: nothing is caught up with. */
  pace?: Pace | null
  /** The suspect of a crash that is being tried, by its task, and until when; absent: none. */
  tried?: { task: string, until: number } | null
  /** What the tasks have done that others depend on, by id. */
  dependencies?: ReadonlyMap<string, DependencyState>
  /** The clock was set forward by much a short while ago: no deadline has passed by it yet. */
  doubted?: boolean
  /** The tasks that there are; absent: nobody knows. */
  known?: Pick<ReadonlyMap<string, unknown>, 'has'>
  pauses: readonly Pause[]
  /** Absent: none. */
  trials?: Trials
}

/** What the machine, the configuration and people say. `hysteresis` null: the reading counts as it stands. */
export interface Conditions {
  reading: Reading
  hysteresis: Hysteresis | null
  config: Config
  pauses: readonly Pause[]
  trials: Trials
}

/** What a gate decides by: the conditions, the occupancy and the run. */
export interface GateInput {
  task: Task | undefined
  run: Waiting
  reading: Reading
  config: Config
  occupancy: Occupancy
  now: number
  class: Class
  /** How far limits have given way as the deadline nears, 0 to 1. */
  relaxed: number
  /** Why the run passes its conditions; null or absent: it does not. */
  bypass?: Bypass | null
}

/** Why a closed gate was passed. `now`: a person asked for a start at once. */
export type Bypass = 'critical' | 'deadline' | 'on_unmet' | 'now'

/** `order`: nothing passes it. `safety`: critical runs wait at it too. `share`: slots that power and hour leave, and a
 *  supply that ends soon: critical runs alone pass it. `condition`: critical runs, runs at their deadline and runs that
 *  were asked for at once pass it. */
export type GateKind = 'order' | 'safety' | 'share' | 'condition'

/** What one gate says of a run. */
export interface GateResult {
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
  /** A JSON pointer into config.json, `task definition` with a pointer into it, or another word for where the
   *  requirement comes from. */
  source: string
  /** The limit before it gave way, where it did. */
  relaxed_from?: Json
}

/** One gate's answer: a gate that was passed although it is closed is `ok` and says why. */
export type GateAnswer = GateResult & { kind: GateKind, bypassed: Bypass | null }

/** One condition on starting: pure, and the same for the runner, the list, `why` and the forecast. Null: nothing asks
 *  for it. */
export type Gate = (ask: GateInput) => GateResult | null

/** Everything that decides a verdict. */
export type EvaluateAsk =
  & Pick<GateInput, 'task' | 'run' | 'reading' | 'config' | 'occupancy' | 'now'>
  & Pick<Conditions, 'hysteresis'>

/** All gates of a run together. `fail`, `skip`: it is held at its deadline, or its conditions are unmet, and its task
 *  wants it so. */
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
}

/** A run to be judged by a snapshot. `active`: runs of the same task that are running. */
export interface Subject {
  task: Task | undefined
  run: Waiting
  active: number
}

/** As much of a verdict as a start needs. `gates`: those alone that are closed or were passed, in the order in which
 *  people are told. `bypass`: why it passes its conditions, or null. `phase`: how it stands to its deadline: `fresh`
 *  until limits give way, then `eased`. */
export type Judgement = Pick<Verdict, 'decision' | 'gates' | 'class'> & { bypass: Bypass | null, critical: boolean,
  phase: 'fresh' | 'eased' | 'overdue' }

/** What becomes of a running run, and the gate that closed on it. */
export interface LostVerdict {
  decision: 'continue' | 'yield' | 'cancel'
  reason: GateAnswer | null
}

/** Where a constraint of the task stands. */
export const inDefinition = (name: string): string => `task definition /constraints/${name}`

/** What most gates hang on: a reading, with nothing to say of when it will change. */
export const READ = { clears_at: null, certain: false } as const

/** 0.734 as `73 %`. */
export const shareWords = (value: number): string => `${Math.round(value * 100)} %`

/** A number of at most two decimals. */
export const rounded = (value: number): number => Math.round(value * 100) / 100
