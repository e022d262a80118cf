import { durationOf } from './run-view.ts'
import { heldReason } from './held.ts'
import { iso } from '../base/clock.ts'
import { STATES } from '../run/run.ts'
import { kindOf, wordsFor } from '../trigger.ts'
import type { Json } from '../json/json.ts'
import type { Classed } from '../conditions/classify.ts'
import type { Constraints, OnDeadline, OnLost, OnUnmet } from '../task/constraint.ts'
import type { Run, State } from '../run/run.ts'
import type { Schedule } from '../schedule/schedule.ts'
import type { Status } from './status.ts'
import type { Task } from '../task/task.ts'
import type { Pause, Verdict } from '../conditions/gate.ts'

export interface LastRun {
  id: string
  state: State
  at: string
  duration: number | null
  error: string | null
  warning: string | null
}

/** One line of the task list. Instants are ISO 8601 with Z, durations seconds. */
export interface TaskView {
  id: string
  name: string
  description: string
  type: string
  queue: string
  priority: string
  tags: string[]
  enabled: boolean
  /** `args` of a crontab string: the string, as `expression`. */
  trigger: { kind: 'cron' | 'interval' | 'date', args: Record<string, Json>, timezone: string, words: string } | null
  status: Status
  /** The pause of the task, its queue, a tag or everything that lasts longest; null: none. */
  paused: { scope: string, name: string | null, until: string | null, by: string, reason: string | null } | null
  /** Why its next run is held; null when it is not. */
  held: { code: string, message: string } | null
  last_run: LastRun | null
  next_run: string | null
  counts: Record<State, number>
  max_retries: number
  timeout: number
  concurrency: number | null
  overlap: string
  misfire: string
  /** Its class, and the word that decided. */
  class: Classed
  constraints: Constraints
  /** How long a run may be held, seconds, and what happens then. */
  deadline: number
  on_deadline: OnDeadline
  on_unmet: OnUnmet
  on_lost: OnLost
  /** How far a scheduled run may move to a quieter hour, seconds. */
  flex: number
  preemptible: boolean
  source: string
}

export interface TaskFacts {
  task: Task
  class: Classed
  states: Record<State, number>
  last: Run | null
  schedules: Schedule[]
  /** The first due run of its queue with its verdict; null: none is due. */
  first: { run: Run, verdict: Verdict } | null
  /** The pause that lasts longest. */
  pause?: Pause | undefined
}

function statusOf ({ task, states, schedules, first, pause }: TaskFacts): Status {
  if (states.running > 0) return 'running'
  if (pause !== undefined && (task.enabled || states.queued > 0)) return 'paused'
  if (first) return first.verdict.decision === 'hold' ? 'held' : first.run.attempt > 0 ? 'retrying' : 'queued'
  if (states.queued > 0) return 'queued'
  if (!task.enabled) return 'disabled'
  return schedules.some(({ next_at: at }) => at !== null) ? 'scheduled' : 'idle'
}

const lastRun = (run: Run): LastRun => ({
  id: run.id,
  state: run.state,
  at: iso(run.started_at ?? run.finished_at)!,
  duration: durationOf(run, run.finished_at ?? 0),
  error: run.error?.message ?? null,
  warning: run.warning
})

/** The inputs of a line besides definition and class; the line is cached until one changes. */
interface Moving {
  status: Status
  reason: { code: string, message: string } | null
  last: Run | null
  next: number | null
  states: Record<State, number>
  pause: Pause | undefined
}

function movingOf (facts: TaskFacts): Moving {
  const { states, last, schedules, first } = facts
  const next = schedules.flatMap(({ next_at: at }) => at === null ? [] : [at])
  return {
    status: statusOf(facts),
    reason: first ? heldReason(first.verdict, first.run.id) : null,
    last,
    next: next.length > 0 ? Math.min(...next) : null,
    states,
    pause: facts.pause
  }
}

const sameRun = (a: Run | null, b: Run | null): boolean =>
  a === b ||
  (a !== null && b !== null && a.id === b.id && a.state === b.state && a.started_at === b.started_at &&
    a.finished_at === b.finished_at &&
    a.error?.message === b.error?.message && a.warning === b.warning)

const same = (a: Moving, b: Moving): boolean =>
  a.status === b.status && a.next === b.next && a.pause === b.pause && a.reason?.code === b.reason?.code &&
  a.reason?.message === b.reason?.message &&
  sameRun(a.last, b.last) && STATES.every(state => a.states[state] === b.states[state])

const drawn = new WeakMap<Task, { moving: Moving, view: TaskView }>()

/** A task as the list shows it: frozen, and the same object until its content changes. */
export function taskView (facts: TaskFacts): TaskView {
  const moving = movingOf(facts)
  const known = drawn.get(facts.task)
  if (known && known.view.class === facts.class && same(known.moving, moving)) return known.view
  const view = Object.freeze(draw(facts, moving))
  // Both keep a copy of the counts, which the caller may change.
  drawn.set(facts.task, { moving: { ...moving, states: view.counts }, view })
  return view
}

function draw ({ task, class: classed }: TaskFacts, { status, reason, last, next, states, pause }: Moving): TaskView {
  return {
    id: task.id,
    name: task.name,
    description: task.description,
    type: task.type,
    queue: task.queue,
    priority: task.priority,
    tags: task.tags,
    enabled: task.enabled,
    trigger: triggerView(task),
    status,
    paused: pause === undefined ? null : Object.freeze(pausedView(pause)),
    held: reason && Object.freeze(reason),
    last_run: last ? Object.freeze(lastRun(last)) : null,
    next_run: iso(next),
    counts: Object.freeze({ ...states }),
    max_retries: task.max_retries,
    timeout: task.timeoutMs / 1000,
    concurrency: Number.isFinite(task.concurrency) ? task.concurrency : null,
    overlap: task.overlap,
    misfire: task.misfire,
    class: classed,
    constraints: task.constraints,
    deadline: task.deadlineMs / 1000,
    on_deadline: task.on_deadline,
    on_unmet: task.on_unmet,
    on_lost: task.on_lost,
    flex: task.flexMs / 1000,
    preemptible: task.preemptible,
    source: task.source
  }
}

const pausedView = ({ scope, name, until, by, reason = null }: Pause) => ({
  scope,
  name,
  until: iso(until),
  by,
  reason
})

const triggers = new WeakMap<Task, TaskView['trigger']>()

/** The words of a trigger are cached: they take longer than the rest of the line. */
function triggerView (task: Task): TaskView['trigger'] {
  if (task.trigger === null) return null
  const known = triggers.get(task)
  if (known) return known
  const { trigger, timezone } = task
  const kind = kindOf(trigger)
  const args = kind === 'crontab' ? { ...task.trigger_args, expression: trigger } : task.trigger_args
  const words = wordsFor({ trigger, trigger_args: task.trigger_args, timezone })
  const view = Object.freeze({ kind: kind === 'crontab' ? 'cron' as const : kind, args, timezone, words })
  triggers.set(task, view)
  return view
}
