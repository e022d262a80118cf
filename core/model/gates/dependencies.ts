import type { Dependency } from '../task/policy.ts'
import type { Gate, GateInput } from '../conditions/gate.ts'
import type { DependencyState } from '../conditions/dependency-state.ts'
import { DEPENDENCY_FAILED } from '../conditions/dependency-state.ts'
import { READ } from '../conditions/gate.ts'
import { deadlineOf } from '../conditions/relaxation.ts'
import { spanWords } from '../base/duration.ts'

interface DependencyResult {
  ok: boolean
  code: string
  message: string
  chain: readonly string[]
  freshUntil: number | null
}

const resultOf = (code: string, message: string): DependencyResult => ({
  ok: code === 'ok',
  code,
  message,
  chain: [],
  freshUntil: null
})

interface DependencyInput extends DependencyState {
  exists: boolean
  now: number
}

function judged (
  { task, condition, freshMs }: Dependency,
  { pending, last, circle = null, exists, now }: DependencyInput
): DependencyResult {
  const met = last !== null && (condition === 'done' || condition === last.state)
  const fresh = last !== null && now - last.at <= freshMs
  if (met && fresh && (!pending || freshMs !== Infinity)) return resultOf('ok', `${task} ${last.state}`)
  if (circle !== null) return resultOf(DEPENDENCY_FAILED, `${task} waits for itself: ${circle.join(' → ')}`)
  if (pending) return resultOf('dependency_pending', `waits for ${task}, which is not finished`)
  if (!exists && !fresh) return resultOf('dependency_unknown', `waits for ${task}, which does not exist`)
  if (last === null) return resultOf('dependency_missing', `waits for ${task}, which has not run yet`)
  if (!fresh) {
    return resultOf('dependency_stale',
      `waits for ${task}, which ended ${spanWords(now - last.at)} ago, limit ${spanWords(freshMs)}`)
  }
  const why = last.message === null ? '' : `: ${last.message}`
  return {
    ...resultOf(DEPENDENCY_FAILED, `needs ${task} ${condition}, but it ${last.state}${why}`),
    chain: last.chain
  }
}

const isOver = ({ task, run, now }: GateInput): boolean => {
  const { at, on_deadline: then } = deadlineOf(task!, run)
  return then === 'run' && now >= at
}

/** Closed until the tasks in `depends_on` have ended as required. After a deadline with `on_deadline: run`, only a
 *  failed dependency closes it. */
export const dependencies: Gate = ask => {
  const { task, occupancy: { dependencies: states, known }, now } = ask
  if (task === undefined || task.depends_on.length === 0) return null
  const all = task.depends_on.map(wanted =>
    judged(wanted, {
      pending: false,
      last: null,
      ...states?.get(wanted.task),
      exists: known?.has(wanted.task) ?? true,
      now
    })
  )
  const closed = all.find(({ code }) => code === DEPENDENCY_FAILED) ?? all.find(({ ok }) => !ok) ?? null
  const passed = closed !== null && closed.code !== DEPENDENCY_FAILED && isOver(ask)
  return {
    gate: 'dependencies',
    ok: closed === null || passed,
    code: closed === null ? 'ok' : passed ? 'deadline' : closed.code,
    message: closed === null ? all.map(({ message }) => message).join(', ') : closed.message,
    observed: closed === null ? null : [...closed.chain],
    required: task.depends_on.map(({ task: id, condition }) => `${id} ${condition}`),
    ...READ,
    source: 'task definition /depends_on'
  }
}
