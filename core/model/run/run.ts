import type { Failure } from './outcome.ts'
import type { Json } from '../json/json.ts'
import type { Reason } from './reason.ts'
import type { Usage } from './usage.ts'

export type { Reason } from './reason.ts'

/** The states that are stored. Everything that the clock already knows is a label, see `labelOf`. */
export const STATES = ['blocked', 'queued', 'running', 'completed', 'failed', 'cancelled', 'skipped'] as const
export type State = typeof STATES[number]

export const FINAL_STATES = ['completed', 'failed', 'cancelled', 'skipped'] as const satisfies State[]
export const isFinal = (state: State): boolean => (FINAL_STATES as readonly State[]).includes(state)

/** Most urgent first. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const
export type Priority = typeof PRIORITIES[number]

export const LABELS = [...STATES, 'scheduled', 'held', 'retrying', 'dead'] as const
type Label = typeof LABELS[number]

/** Who asked for the run. */
/** True for a run that a person, or a schedule that a person made, has asked for: its payload is bounded by what is
 *  configured. */
export const isAsked = ({ source, task, schedule }: Pick<Run, 'source' | 'task' | 'schedule'>): boolean =>
  source === 'manual' || (source !== 'task' && schedule !== null && schedule !== task)

export const SOURCES = ['schedule', 'catch_up', 'manual', 'task'] as const
export type Source = typeof SOURCES[number]

export interface Progress {
  /** The part of the work that the other numbers are of, where the task names its parts. */
  stage?: string
  current: number
  total: number | null
  message: string | null
  unit: string | null
  /** Units a second, smoothed. */
  rate: number | null
  /** 0 to 100, or null while the total is unknown. */
  percentage: number | null
  /** Seconds, or null while unknown: from the rate, and before there is one from how long earlier runs took. */
  eta: number | null
  at: number
}

/** One request to execute a task, across its attempts. Instants are epoch milliseconds. */
export interface Run {
  id: string
  task: string
  queue: string
  priority: Priority
  state: State
  source: Source
  /** The id of the schedule that asked for it. */
  schedule: string | null
  /** Names this run: a second run with the same task and key is the first one. */
  key: string | null
  due_at: number
  /** What the schedule said before jitter, flex or delay. */
  nominal_at: number
  /** Attempts charged so far, the running one included. */
  attempt: number
  max_retries: number
  /** How often it has been claimed. */
  turn: number
  /** Attempts that ended because the whole process did. */
  crashes: number
  /** Fires that this one run stands for beyond its own. */
  missed: number
  owner: string | null
  lease_until: number | null
  cancel: Reason | null
  /** Why it is in its state, when there is more to say than the state. */
  reason: Reason | null
  error: Failure | null
  /** completed with a warning. */
  warning: string | null
  progress: Progress | null
  /** Process id and start time of the child that executes it, see `child`. */
  child: Child | null
  created_at: number
  started_at: number | null
  finished_at: number | null
  /** By when it is to start; what happens then is the caller's rule. */
  deadline_at: number | null
  /** Why `due_at` is not `nominal_at`. */
  moved: Moved | null
  /** How long its key is its own: until it is claimed, until it is over, or until an instant; null: as long as it is
   *  kept. */
  key_until: 'started' | 'finished' | number | null
  /** Started by hand to run now: it passes the conditions that load, power and comfort make. Kept until the run is
   *  over. */
  now: boolean
  /** True for a run that gates judge by itself, whatever its attributes, see `spanOf`. */
  single: boolean
  /** How often it has given its slot away: postponed with the reason `yield`. A retry by hand sets it to zero. */
  preempted: number
}

/** Why a run is due at another instant than its schedule said; `confidence` is 0 to 1. */
export interface Moved {
  code: string
  message: string
  confidence: number
}

/** One reason for which a waiting run was held; `to` null: it still is. `owner`: who judged it so. Beyond 200 of a run,
 *  older ones with the same code are one, which then lasts as long as they did together. */
export interface Hold {
  code: string
  message: string
  from: number
  to: number | null
  owner: string
}

/** A process that a run has started: the start time tells it from a later process with the same id. */
export interface Child {
  pid: number
  started: string
}

/** A run with its bulky parts and its earlier attempts. */
export interface FullRun extends Run {
  /** As it is stored, see `opened`. */
  checkpoint: Json
  payload: Json
  result: Json
  attempts: PastAttempt[]
  /** Oldest first. */
  holds: Hold[]
  /** What it waits for or has waited for. */
  after: Prerequisite[]
  /** What its attempts have taken; null: none was executed where it can be told. */
  used: Usage | null
}

/** One execution that is over. */
export interface PastAttempt {
  turn: number
  attempt: number
  started_at: number
  finished_at: number
  outcome: 'completed' | 'failed' | 'postponed' | 'cancelled' | 'skipped' | 'crashed'
  error: Failure | null
  reason: Reason | null
}

/** How a prerequisite has to end: completed, failed, or in any way. */
export const CONDITIONS = ['completed', 'done', 'failed'] as const
export type Condition = typeof CONDITIONS[number]

/** `run`: an id, or '#ref' for a run of the same call. */
export interface After {
  run: string
  condition: Condition
}

/** A prerequisite by its id, with the name it had in the call; once it is over, `state` is what counted. */
export interface Prerequisite extends After {
  ref: string | null
  state: State
}

/** What becomes of a run whose key another one holds: that one is the answer; it takes over the newcomer's payload,
 *  priority, due time and retries; or its due time alone. `keep_last` replaces one that waits, and lets one that runs
 *  go on beside the newcomer. */
export const CONFLICTS = ['return', 'replace', 'reschedule', 'keep_last'] as const

/** How long a key names one run, `until` a number: ms from its creation. */
export interface Unique {
  until: 'started' | 'finished' | 'kept' | number
  conflict: typeof CONFLICTS[number]
}

export interface NewRun {
  task: string
  queue: string
  priority: Priority
  source: Source
  schedule?: string | null
  key?: string | null
  due_at: number
  nominal_at?: number
  max_retries: number
  missed?: number
  payload?: Json
  /** Recorded as skipped at once, with this reason: a fire that is not to be executed. */
  skipped?: Reason
  deadline_at?: number | null
  /** True: its deadline is its own and not its task's, so that it is judged by itself. */
  single?: boolean
  /** True: it is to run now, see `Run.now`. */
  now?: boolean
  /** True: when it still waits at its deadline it is over. Else it only says until when it may be held. */
  expires?: boolean
  moved?: Moved | null
  /** Left out: `kept` and `return`. */
  unique?: Unique
  /** Its name for others of the same call. */
  ref?: string
  /** Runs that have to end first; until then it is blocked. One that cannot be met any more skips it. */
  after?: After[]
}

/** The right to write a running run; stale once the run has been claimed again. */
export interface Lease {
  id: string
  turn: number
}

/** The code of the reason of a run that has failed once more when the time for trying was over. */
export const TRIED_LONG = 'retry_for'

/** True for a run that has failed with its attempts spent, or the time in which it was to be tried. */
export const isDead = (
  { state, attempt, max_retries: most, reason }: Pick<Run, 'state' | 'attempt' | 'max_retries' | 'reason'>
): boolean => state === 'failed' && (attempt > most || reason?.code === TRIED_LONG)

/** What people call the state at the instant `now`; `held` is for the verdict to say. */
export function labelOf (
  run: Pick<Run, 'state' | 'due_at' | 'attempt' | 'max_retries' | 'reason'>,
  now: number
): Label {
  if (run.state === 'failed') return isDead(run) ? 'dead' : 'failed'
  if (run.state !== 'queued') return run.state
  if (run.attempt > 0) return 'retrying'
  return run.due_at > now ? 'scheduled' : 'queued'
}
