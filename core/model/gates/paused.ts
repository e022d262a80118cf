import type { Gate, Pause } from '../conditions/gate.ts'
import type { Task } from '../task/task.ts'
import { iso } from '../base/clock.ts'

type Concerned = { task: Pick<Task, 'queue' | 'tags'> | undefined, run: { task: string, queue?: string | undefined } }

const concerns = ({ scope, name }: Pause, { task, run }: Concerned): boolean => {
  if (scope === 'all') return true
  if (scope === 'task') return name === run.task
  if (scope === 'queue') return name === (run.queue ?? task?.queue)
  return name !== null && (task?.tags.includes(name) ?? false)
}

const lasting = ({ until }: Pause) => until ?? Infinity

const wordsFor = ({ scope, name, by, until, reason }: Pause) =>
  `${scope === 'all' ? 'everything' : `${scope} ${name}`} is paused by ${by}${
    until === null ? '' : ` until ${iso(until)}`
  }${reason ? `: ${reason}` : ''}`

/** The pause in force at an instant that holds the runs of a task longest; undefined: none does. */
export const longestPause = (pauses: readonly Pause[], concerned: Concerned, now: number): Pause | undefined =>
  pauses.filter(pause => lasting(pause) > now && concerns(pause, concerned))
    .toSorted((a, b) => lasting(b) - lasting(a))[0]

/** Closed while the task, its queue, one of its tags or everything is paused, by hand or by its breaker. The message
 *  names the pause that lasts longest. */
export const paused: Gate = ask => {
  if (ask.occupancy.pauses.length === 0) return null
  const longest = longestPause(ask.occupancy.pauses, ask, ask.now)
  if (longest === undefined) return null
  return {
    gate: 'paused',
    ok: false,
    code: 'paused',
    message: wordsFor(longest),
    observed: longest.scope,
    required: null,
    clears_at: longest.until,
    certain: true,
    source: longest.by === 'breaker' ? 'task definition /breaker' : `by hand: ${longest.by}`
  }
}
