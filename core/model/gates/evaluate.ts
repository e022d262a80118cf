import { DEPENDENCY_FAILED } from './dependency.ts'
import { RULES } from './rules.ts'
import { against, answersBy, answersOn, lookOf, standingWith } from './look.ts'
import { background } from './background.ts'
import { classify } from './classify.ts'
import { concurrency } from './concurrency.ts'
import { deadlineOf, relaxation } from './relax.ts'
import { decisionFor, recommendationFor } from './recommend.ts'
import { paused } from './paused.ts'
import { priority } from './priority.ts'
import { profile } from './profile.ts'
import { slots } from './slots.ts'
import type { Advice } from './recommend.ts'
import type { Bypass, EvaluateAsk, Gate, GateAnswer, GateAsk, Judgement, Lost, Subject, Verdict } from './gate.ts'
import type { Class } from '../task/constraint.ts'
import type { Classed } from './classify.ts'
import type { Deadline } from './relax.ts'
import type { Look } from './look.ts'

export { lookOf } from './look.ts'
export type { Look } from './look.ts'

/** Gates that close because of what runs already: a running run is not asked to leave for its own sake. */
const CROWD: readonly Gate[] = [concurrency, priority, profile, background, slots]

const LEAVING = RULES.filter(({ gate, kind }) => kind !== 'order' && gate !== paused && !CROWD.includes(gate))

const NO_TASK: Classed = { class: 'normal', because: 'no task' }

interface Case { facts: GateAsk, deadline: Deadline | null, kind: Classed, bypass: Bypass | null }

function caseOf (look: Look, { task, run, active }: Subject): Case {
  const { reading, config, now } = look
  const kind = task === undefined ? NO_TASK : classify(task, config)
  const deadline = task === undefined ? null : deadlineOf(task, run)
  const relaxed = deadline === null || task === undefined ? 0 : relaxation({ deadline: deadline.at, lengthMs: task.deadlineMs, now, from: config.scheduling.relax_from })
  const facts = { task, run, reading, config, standing: standingWith(look, active), now, class: kind.class, relaxed }
  return { facts, deadline, kind, bypass: bypassOf(facts, deadline) }
}

const isCritical = ({ task, run, class: kind }: GateAsk) => kind === 'critical' || (run.priority ?? task?.priority) === 'critical'

/** Why the conditions of a run are passed although they are closed, or null. */
function bypassOf (facts: GateAsk, deadline: Deadline | null): Bypass | null {
  if (isCritical(facts)) return 'critical'
  if (facts.task?.on_unmet === 'run') return 'on_unmet'
  return deadline !== null && deadline.on_deadline === 'run' && facts.now >= deadline.at ? 'deadline' : null
}

function decide ({ task, now }: GateAsk, deadline: Deadline | null, gates: readonly GateAnswer[]): Verdict['decision'] {
  const closed = gates.filter(({ ok }) => !ok)
  if (closed.length === 0) return 'start'
  if (task === undefined || closed.some(({ gate }) => gate === 'due')) return 'hold'
  // What it waits for cannot come any more: it is told so at once, unless a person has stopped everything.
  if (closed.some(({ code }) => code === DEPENDENCY_FAILED) && closed.every(({ gate }) => gate !== 'paused')) return 'skip'
  if (deadline !== null && deadline.on_deadline !== 'run' && now >= deadline.at) return deadline.on_deadline
  return task.on_unmet === 'skip' && closed.some(({ kind }) => kind === 'condition') ? 'skip' : 'hold'
}

function advised (look: Look, kind: Class): Advice {
  const before = look.advice.get(kind)
  if (before !== undefined) return before
  const advice = decisionFor(kind, look.reading, look.config)
  look.advice.set(kind, advice)
  return advice
}

/** What power says of the run, made to agree with the verdict. */
function adviceOf (look: Look, facts: GateAsk, { decision, reason }: Pick<Verdict, 'decision'> & { reason: GateAnswer | null }): Advice {
  const advice = advised(look, isCritical(facts) ? 'critical' : facts.class)
  if (decision === 'start') return advice.decision === 'execute_now' ? advice : { decision: 'execute_now', reason: 'every gate is open or passed' }
  const forMains = reason?.gate === 'power' || (reason?.gate === 'battery' && facts.class === 'charging_only')
  if (forMains) return { decision: 'defer_to_charging', reason: reason.message }
  return advice.decision === 'execute_now' ? { decision: 'defer_to_background', reason: reason?.message ?? advice.reason } : advice
}

/** Whether a run would start that is as far from its deadline as can be. */
function startsAnyway (look: Look, facts: GateAsk): boolean {
  const fresh = { ...facts, relaxed: 0 }
  return against(look, fresh, bypassOf(fresh, null)).every(({ ok }) => ok)
}

const startsAlone = (look: Look, facts: GateAsk, decision: Verdict['decision']): boolean =>
  decision === 'start' && facts.relaxed > 0 && !startsAnyway(look, facts)

/** The verdict on a run of a look as far as the scheduler needs it: the same gates decide, and those that are open say nothing. */
export function judge (look: Look, subject: Subject): Judgement {
  const { facts, deadline, kind, bypass } = caseOf(look, subject)
  const gates = against(look, facts, bypass)
  const decision = decide(facts, deadline, gates)
  return { decision, gates, class: kind, alone: startsAlone(look, facts, decision) }
}

/** The verdict on a run of a look: start when every gate is open or passed. The runner acts on these same gates. */
export function verdictIn (look: Look, subject: Subject): Verdict {
  const { facts, deadline, kind, bypass } = caseOf(look, subject)
  const gates = answersOn(look, facts, bypass)
  const decision = decide(facts, deadline, gates)
  look.recommendation ??= recommendationFor(look.reading, look.config)
  return {
    decision,
    gates,
    class: kind,
    deadline,
    relaxed: facts.relaxed,
    advice: adviceOf(look, facts, { decision, reason: firstReason({ gates }) }),
    recommendation: look.recommendation,
    alone: startsAlone(look, facts, decision)
  }
}

/** The verdict on one run by itself. */
export const evaluate = (wanted: EvaluateAsk): Verdict =>
  verdictIn(lookOf(wanted), { task: wanted.task, run: wanted.run, active: wanted.standing.active })

/** The first closed gate, which is the reason that people are told first. */
export const firstReason = (verdict: Pick<Verdict, 'gates'>): GateAnswer | null => verdict.gates.find(({ ok }) => !ok) ?? null

/** Load and bandwidth are partly the run's own doing: they count when the task itself asks for them. */
const declared = ({ source }: GateAnswer) => source.startsWith('task definition')
const OWN_DOING = ['cpu', 'memory', 'io', 'bandwidth', 'disk', 'idle']

/** Whether a running run goes on, by the `on_lost` of its task: asked of the gates that were open when it started, not of slots. A run that passes
 *  its conditions, critical or at its deadline, goes on; a pause stops no run that is running. */
export function whenLost (wanted: EvaluateAsk): Lost {
  const { on_lost: then = 'continue' } = wanted.task ?? {}
  if (then === 'continue') return { decision: 'continue', reason: null }
  const { facts, bypass } = caseOf(lookOf(wanted), { task: wanted.task, run: wanted.run, active: wanted.standing.active })
  const answers = answersBy(LEAVING, facts, bypass)
  const reason = answers.find(answer => !answer.ok && answer.code !== 'not_idle' && (!OWN_DOING.includes(answer.gate) || declared(answer) || answer.code === 'in_use')) ?? null
  return { decision: reason === null ? 'continue' : then, reason }
}
