import type { Failure } from './outcome.ts'
import type { Json } from '../json/json.ts'
import type { Reason } from './reason.ts'
import type { Usage } from './usage.ts'

export type { Reason } from './reason.ts'

/** The stored states. What follows from the clock is a label, see `labelOf`. */
export const STATES = ['blocked', 'queued', 'running', 'completed', 'failed', 'cancelled', 'skipped'] as const
export type State = typeof STATES[number]

export const FINAL_STATES = ['completed', 'failed', 'cancelled', 'skipped'] as const satisfies State[]
export const isFinal = (state: State): boolean => (FINAL_STATES as readonly State[]).includes(state)

/** Most urgent first. */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const
export type Priority = typeof PRIORITIES[number]

export const LABELS = [...STATES, 'scheduled', 'held', 'retrying', 'dead'] as const
type Label = typeof LABELS[number]

/** True for a run requested by a person or by a schedule that a person created: its payload must stay within the
 *  configured bounds. */
export const isAsked = ({ source, task, schedule }: Pick<Run, 'source' | 'task' | 'schedule'>): boolean =>
  source === 'manual' || (source !== 'task' && schedule !== null && schedule !== task)

/** Who requested the run. */
export const SOURCES = ['schedule', 'catch_up', 'manual', 'task'] as const
export type Source = typeof SOURCES[number]

export interface Progress {
  /** The stage of the work that the other fields describe, if the task names stages. */
  stage?: string
  current: number
  total: number | null
  message: string | null
  unit: string | null
  /** Units a second, smoothed. */
  rate: number | null
  /** 0 to 100, or null while the total is unknown. */
  percentage: number | null
  /** Seconds left, from the rate or, before there is one, from the duration of earlier runs; null: unknown. */
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
  /** The id of the schedule that added it. */
  schedule: string | null
  /** Identifies the run within its task: a second run with the same key is a duplicate. */
  key: string | null
  due_at: number
  /** The instant before jitter, flex or delay. */
  nominal_at: number
  /** Attempts charged so far, the running one included. */
  attempt: number
  max_retries: number
  /** How often it was claimed. */
  turn: number
  /** Attempts that ended with the whole process. */
  crashes: number
  /** Missed fires that this run stands for, beside its own. */
  missed: number
  owner: string | null
  lease_until: number | null
  cancel: Reason | null
  /** Why it is in its state, if the state alone does not say. */
  reason: Reason | null
  error: Failure | null
  /** The warning of a completed run. */
  warning: string | null
  progress: Progress | null
  /** Process id and start time of the child that executes it, see `child`. */
  child: Child | null
  created_at: number
  started_at: number | null
  finished_at: number | null
  /** By when it should start; `on_deadline` of its task says what happens then. */
  deadline_at: number | null
  /** Why `due_at` is not `nominal_at`. */
  moved: Moved | null
  /** How long its key is taken: until it starts, until it finishes, or until an instant; null: as long as it is
   *  stored. */
  key_until: 'started' | 'finished' | number | null
  /** Requested by hand to run now: it bypasses conditions. Stored until the run is over. */
  now: boolean
  /** True for a run that gates judge individually, see `spanOf`. */
  single: boolean
  /** How often it was postponed with the reason `yield`. A retry by hand sets it to zero. */
  preempted: number
}

/** Why a run is due at another instant than `nominal_at`; `confidence` is 0 to 1. */
export interface Moved {
  code: string
  message: string
  confidence: number
}

/** A period during which a waiting run was held; `to` null: it still is. `owner`: the owner that judged it. Beyond 200
 *  per run, older holds with the same code are merged into one of their total length. */
export interface Hold {
  code: string
  message: string
  from: number
  to: number | null
  owner: string
}

/** The child process of a run: its start time distinguishes it from a later process with the same id. */
export interface Child {
  pid: number
  started: string
}

/** A run with its large fields and its past attempts. */
export interface FullRun extends Run {
  /** In its stored form, see `opened`. */
  checkpoint: Json
  payload: Json
  result: Json
  attempts: PastAttempt[]
  /** Oldest first. */
  holds: Hold[]
  /** Its prerequisites, those that have ended included. */
  after: Prerequisite[]
  /** The usage of its attempts; null: none was measured. */
  used: Usage | null
}

/** One finished execution. */
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

/** A prerequisite by its id, with its name in the request. `state`: once it is over, the state that counted. */
export interface Prerequisite extends After {
  ref: string | null
  state: State
}

/** What happens when a new run has the key of an existing one. `return`: the existing one is returned. `replace`: it
 *  takes the new payload, priority, due time and retries. `reschedule`: it takes the new due time. `keep_last`: a
 *  waiting one is replaced, a running one continues beside the new one. */
export const CONFLICTS = ['return', 'replace', 'reschedule', 'keep_last'] as const

/** How long a key identifies one run; a number for `until` is ms from its creation. */
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
  /** Stored as skipped at once with this reason, for a fire that is not executed. */
  skipped?: Reason
  deadline_at?: number | null
  /** True: it is judged individually, because its deadline is not that of its task. */
  single?: boolean
  /** True: requested to run now, see `Run.now`. */
  now?: boolean
  /** True: it ends at its deadline if it is still waiting. Otherwise the deadline only limits how long it is held. */
  expires?: boolean
  moved?: Moved | null
  /** Absent: `kept` and `return`. */
  unique?: Unique
  /** Its name for other runs of the same request. */
  ref?: string
  /** Runs that must end first; until then it is blocked. It is skipped when one can no longer be met. */
  after?: After[]
}

/** The right to write a running run; it is stale once the run is claimed again. */
export interface Lease {
  id: string
  turn: number
}

/** The code of the reason when a run failed after the time in `retry_for`. */
export const TRIED_LONG = 'retry_for'

/** True for a failed run that has no attempts left or whose time in `retry_for` is over. */
export const isDead = (
  { state, attempt, max_retries: most, reason }: Pick<Run, 'state' | 'attempt' | 'max_retries' | 'reason'>
): boolean => state === 'failed' && (attempt > most || reason?.code === TRIED_LONG)

/** The label of a run at `now` (epoch ms), except `held`, which depends on its verdict. */
export function labelOf (
  run: Pick<Run, 'state' | 'due_at' | 'attempt' | 'max_retries' | 'reason'>,
  now: number
): Label {
  if (run.state === 'failed') return isDead(run) ? 'dead' : 'failed'
  if (run.state !== 'queued') return run.state
  if (run.attempt > 0) return 'retrying'
  return run.due_at > now ? 'scheduled' : 'queued'
}
