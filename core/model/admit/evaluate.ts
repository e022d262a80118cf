import { DEPENDENCY_FAILED } from '../conditions/dependency-state.ts'
import { GATES } from '../gates/gates.ts'
import { against, answersBy, answersOn, snapshotOf, occupancyWith } from './snapshot.ts'
import { classify } from '../conditions/classify.ts'
import { deadlineOf, relaxation } from '../conditions/relaxation.ts'
import { isCritical } from '../conditions/urgency.ts'
import { decisionFor, recommendationFor } from '../conditions/advice.ts'
import { paused } from '../gates/paused.ts'
import { ups } from '../gates/ups.ts'
import type { Advice } from '../conditions/advice.ts'
import type { Bypass, EvaluateAsk, GateAnswer, GateInput, Judgement, LostVerdict, Subject, Verdict,
  Waiting } from '../conditions/gate.ts'
import type { Class } from '../task/constraint.ts'
import type { Classed } from '../conditions/classify.ts'
import type { Deadline } from '../conditions/relaxation.ts'
import type { Snapshot } from './snapshot.ts'
import type { Task } from '../task/task.ts'

export { snapshotOf } from './snapshot.ts'
export type { Snapshot } from './snapshot.ts'

/** The gates that a running run may yield to: those of order and share close because of running runs, itself
 *  included. */
const LEAVING = GATES.filter(({ gate, kind }) =>
  gate === ups || ((kind === 'condition' || kind === 'safety') && gate !== paused)
)

const NO_TASK: Classed = { class: 'normal', because: 'no task' }

/** A subject with the input for its gates. `passed`: its deadline has passed, and the clock is not in doubt. */
interface Prepared {
  input: GateInput
  deadline: Deadline | null
  passed: boolean
  kind: Classed
  bypass: Bypass | null
}

function prepare (snapshot: Snapshot, { task, run, active }: Subject): Prepared {
  const { reading, config, now } = snapshot
  const kind = task === undefined ? NO_TASK : classify(task, config)
  const deadline = task === undefined ? null : deadlineOf(task, run)
  const isLate = deadline !== null && now >= deadline.at
  const passed = isLate && snapshot.occupancy.doubted !== true
  const relaxed = deadline === null || isLate !== passed
    ? 0
    : relaxation({ deadline: deadline.at, lengthMs: deadline.lengthMs, now, from: config.scheduling.relax_from })
  const input: GateInput = {
    task,
    run,
    reading,
    config,
    occupancy: occupancyWith(snapshot, active),
    now,
    class: kind.class,
    relaxed
  }
  input.bypass = bypassOf(input, passed ? deadline : null)
  return { input, deadline, passed, kind, bypass: input.bypass }
}

/** Why a run bypasses its conditions, or null. `passed`: its deadline, if it has passed. */
function bypassOf (input: GateInput, passed: Deadline | null): Bypass | null {
  if (isCritical(input)) return 'critical'
  if (input.run.now === true) return 'now'
  if (input.task?.on_unmet === 'run') return 'on_unmet'
  return passed?.on_deadline === 'run' ? 'deadline' : null
}

function decide ({ task }: GateInput, passed: Deadline | null, gates: readonly GateAnswer[]): Verdict['decision'] {
  const closed = gates.filter(({ ok }) => !ok)
  if (closed.length === 0) return 'start'
  if (task === undefined || closed.some(({ gate }) => gate === 'due')) return 'hold'
  // The dependency can no longer be met: skip at once, unless everything is paused.
  if (closed.some(({ code }) => code === DEPENDENCY_FAILED) && closed.every(({ gate }) => gate !== 'paused')) {
    return 'skip'
  }
  if (passed !== null && passed.on_deadline !== 'run') return passed.on_deadline
  return task.on_unmet === 'skip' && closed.some(({ kind }) => kind === 'condition') ? 'skip' : 'hold'
}

function advised (snapshot: Snapshot, kind: Class): Advice {
  const before = snapshot.advice.get(kind)
  if (before !== undefined) return before
  const advice = decisionFor(kind, snapshot.reading, snapshot.config)
  snapshot.advice.set(kind, advice)
  return advice
}

/** The advice by power, made consistent with the verdict. */
function adviceOf (
  snapshot: Snapshot,
  input: GateInput,
  { decision, reason }: Pick<Verdict, 'decision'> & { reason: GateAnswer | null }
): Advice {
  const advice = advised(snapshot, isCritical(input) ? 'critical' : input.class)
  if (decision === 'start') {
    return advice.decision === 'execute_now'
      ? advice
      : { decision: 'execute_now', reason: 'every gate is open or bypassed' }
  }
  const forMains = reason?.gate === 'power' || (reason?.gate === 'battery' && input.class === 'charging_only')
  if (forMains) return { decision: 'defer_to_charging', reason: reason.message }
  return advice.decision === 'execute_now'
    ? { decision: 'defer_to_background', reason: reason?.message ?? advice.reason }
    : advice
}

function phaseOf ({ relaxed }: GateInput, passed: boolean): Judgement['phase'] {
  if (passed) return 'overdue'
  return relaxed > 0 ? 'eased' : 'fresh'
}

/** True while no limit is relaxed for the run. */
export function isFresh (
  { config, now }: Pick<Snapshot, 'config' | 'now'>,
  task: Task | undefined,
  run: Waiting
): boolean {
  if (task === undefined) return true
  const { at, lengthMs } = deadlineOf(task, run)
  return now < at && relaxation({ deadline: at, lengthMs, now, from: config.scheduling.relax_from }) === 0
}

/** The part of the verdict that the scheduler needs. The same gates decide; only closed or bypassed ones are listed. */
export function judge (snapshot: Snapshot, subject: Subject): Judgement {
  const { input, deadline, passed, kind, bypass } = prepare(snapshot, subject)
  const gates = against(snapshot, input, bypass)
  const decision = decide(input, passed ? deadline : null, gates)
  return { decision, gates, class: kind, bypass, critical: isCritical(input), phase: phaseOf(input, passed) }
}

/** The verdict on a run: start when every gate is open or bypassed. The runner acts on the same gates. */
export function verdictIn (snapshot: Snapshot, subject: Subject): Verdict {
  const { input, deadline, passed, kind, bypass } = prepare(snapshot, subject)
  const gates = answersOn(snapshot, input, bypass)
  const decision = decide(input, passed ? deadline : null, gates)
  snapshot.recommendation ??= recommendationFor(snapshot.reading, snapshot.config)
  return {
    decision,
    gates,
    class: kind,
    deadline,
    relaxed: input.relaxed,
    advice: adviceOf(snapshot, input, { decision, reason: firstReason({ gates }) }),
    recommendation: snapshot.recommendation
  }
}

/** The verdict on one run. */
export const evaluate = (wanted: EvaluateAsk): Verdict =>
  verdictIn(snapshotOf(wanted), { task: wanted.task, run: wanted.run, active: wanted.occupancy.active })

/** The first closed gate: the reason to show. */
export const firstReason = (verdict: Pick<Verdict, 'gates'>): GateAnswer | null =>
  verdict.gates.find(({ ok }) => !ok) ?? null

/** Load is partly caused by the run itself: it counts only when the task has its own limit. */
const declared = ({ source }: GateAnswer) => source.startsWith('task definition')
const OWN_DOING = ['cpu', 'memory', 'io', 'bandwidth', 'disk', 'idle']

/** Whether a running run continues, by the `on_lost` of its task. Only gates of conditions and safety count. A run that
 *  bypasses its conditions continues, and a pause does not stop a running run. */
export function whenLost (wanted: EvaluateAsk): LostVerdict {
  const { on_lost: then = 'continue' } = wanted.task ?? {}
  if (then === 'continue') return { decision: 'continue', reason: null }
  const { input, bypass } = prepare(snapshotOf(wanted), {
    task: wanted.task,
    run: wanted.run,
    active: wanted.occupancy.active
  })
  const answers = answersBy(LEAVING, input, bypass)
  const reason = answers.find(answer =>
    !answer.ok && answer.code !== 'not_idle' &&
    (!OWN_DOING.includes(answer.gate) || declared(answer) || answer.code === 'in_use')
  ) ?? null
  return { decision: reason === null ? 'continue' : then, reason }
}
