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

/** The fields of a run that gates read; absent fields are those of an ordinary run. No gate distinguishes runs that
 *  share them, see `core/model/run/cohort.ts`. */
export type Waiting =
  & Pick<Run, 'task' | 'due_at'>
  & Partial<
    Pick<Run,
      'id' | 'priority' | 'queue' | 'source' | 'created_at' | 'nominal_at' | 'deadline_at' | 'attempt' | 'now'
        | 'crashes'>
  >

/** A pause made by hand. `name`: of the queue, task or tag; `until`: epoch ms, or null until it is resumed. */
export interface Pause {
  scope: 'all' | 'queue' | 'task' | 'tag'
  name: string | null
  until: number | null
  by: string
  at: number
  reason?: string | null
}

/** Tasks on trial after a pause of their breaker: the trial run, or null before it starts. */
export type Trials = ReadonlyMap<string, { run: string | null }>

/** A waiting run that needs every other run to end (`locks` null), or several locks at once. Runs that come after it in
 *  order wait for it. */
export interface Reservation {
  task: string
  run: string
  rank: number
  due_at: number
  locks: readonly string[] | null
}

/** How many scheduled runs that were due before `since` may run at once, see `paceOf`. `next_at`: when one more may, or
 *  null. */
export interface Pace {
  since: number
  slots: number
  taken: number
  next_at: number | null
}

/** What runs, and what that leaves for a waiting run. */
export interface Occupancy {
  /** Runs of the same task that are running. */
  active: number
  /** Slots of this process that are free, and how many there are. */
  free: number
  slots: number
  /** Slots reserved for critical runs, which use these first. Absent: none. */
  reserve?: { free: number, slots: number }
  /** Runs that are running, by priority; work of the class critical counts as critical. */
  priorities: Readonly<Partial<Record<Priority, number>>>
  /** Runs of the class background that are running. */
  background: number
  /** Queues and locks in use; absent: nothing runs. */
  inUse?: InUse
  /** The run that others wait for; absent: none. */
  reserved?: Reservation | null
  /** Absent: no overdue runs. */
  pace?: Pace | null
  /** The crash suspect that runs, by its task, and until when it counts; absent: none. */
  tried?: { task: string, until: number } | null
  /** The state of the tasks that others depend on, by id. */
  dependencies?: ReadonlyMap<string, DependencyState>
  /** The clock was set far forward recently: no deadline counts as passed yet. */
  doubted?: boolean
  /** The known tasks; absent: unknown. */
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
  /** How far limits are relaxed towards the deadline, 0 to 1. */
  relaxed: number
  /** Why the run bypasses its conditions; null or absent: it does not. */
  bypass?: Bypass | null
}

/** Why a closed gate was bypassed. `now`: a person requested a start at once. */
export type Bypass = 'critical' | 'deadline' | 'on_unmet' | 'now'

/** `order`: nothing bypasses it. `safety`: holds critical runs too. `share`: slots by power and hour, and a UPS that
 *  ends soon; only critical runs bypass it. `condition`: critical runs, runs past their deadline and runs requested at
 *  once bypass it. */
export type GateKind = 'order' | 'safety' | 'share' | 'condition'

/** The result of one gate for a run. */
export interface GateResult {
  gate: string
  ok: boolean
  code: string
  message: string
  observed: Json
  required: Json
  /** Epoch ms at which it opens, or null when it is open or that is unknown. */
  clears_at: number | null
  /** True when the result depends only on clock, calendar and definitions; false when it depends on a reading. */
  certain: boolean
  /** A JSON pointer into config.json, `task definition` with a pointer into it, or another word for where the
   *  requirement comes from. */
  source: string
  /** The limit before it was relaxed, if it was. */
  relaxed_from?: Json
}

/** The result with the kind of its gate. A closed gate that was bypassed is `ok` and says why. */
export type GateAnswer = GateResult & { kind: GateKind, bypassed: Bypass | null }

/** One condition on starting: pure, shared by the runner, the list, `why` and the forecast. Null: it does not apply. */
export type Gate = (ask: GateInput) => GateResult | null

/** Everything that decides a verdict. */
export type EvaluateAsk =
  & Pick<GateInput, 'task' | 'run' | 'reading' | 'config' | 'occupancy' | 'now'>
  & Pick<Conditions, 'hysteresis'>

/** The verdict of all gates on a run. `fail`, `skip`: by `on_deadline` or `on_unmet` of its task. */
export interface Verdict {
  decision: 'start' | 'hold' | 'skip' | 'fail'
  gates: GateAnswer[]
  /** The class of its task and what decided it. */
  class: Classed
  /** Its deadline; null while no task has its id. */
  deadline: Deadline | null
  /** How far limits are relaxed, 0 to 1. */
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

/** The part of a verdict that a start needs. `gates`: only those that are closed or were bypassed, in order. `bypass`:
 *  why it bypasses its conditions, or null. `phase`: `fresh` until limits relax, then `eased`, then `overdue`. */
export type Judgement = Pick<Verdict, 'decision' | 'gates' | 'class'> & { bypass: Bypass | null, critical: boolean,
  phase: 'fresh' | 'eased' | 'overdue' }

/** What happens to a running run, and the gate that closed. */
export interface LostVerdict {
  decision: 'continue' | 'yield' | 'cancel'
  reason: GateAnswer | null
}

/** The source of a constraint of the task. */
export const inDefinition = (name: string): string => `task definition /constraints/${name}`

/** For gates that depend on a reading: when they open is unknown. */
export const READ = { clears_at: null, certain: false } as const

/** 0.734 as `73 %`. */
export const shareWords = (value: number): string => `${Math.round(value * 100)} %`

/** A number rounded to two decimals. */
export const rounded = (value: number): number => Math.round(value * 100) / 100
