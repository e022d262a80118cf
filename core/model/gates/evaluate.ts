import { background } from './background.ts'
import { bandwidth } from './bandwidth.ts'
import { breaker } from './breaker.ts'
import { alone, locks } from './locks.ts'
import { battery } from './battery.ts'
import { charge } from './charge.ts'
import { classify } from '../classify.ts'
import { concurrency } from './concurrency.ts'
import { cpu } from './cpu.ts'
import { deadlineOf, relaxation } from '../relax.ts'
import { decisionFor, recommendationFor } from '../recommend.ts'
import { DEPENDENCY_FAILED } from '../prior.ts'
import { dependencies } from './dependencies.ts'
import { disk } from './disk.ts'
import { due } from './due.ts'
import { enabled } from './enabled.ts'
import { idle } from './idle.ts'
import { io } from './io.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { paused } from './paused.ts'
import { power } from './power.ts'
import { present } from './present.ts'
import { priority } from './priority.ts'
import { probes } from './probes.ts'
import { profile } from './profile.ts'
import { queue, rate } from './queue.ts'
import { signals } from './signals.ts'
import { slots } from './slots.ts'
import { steadied } from '../steady.ts'
import { temperature } from './temperature.ts'
import { window } from './window.ts'
import type { Advice } from '../recommend.ts'
import type { Bypass, EvaluateAsk, Gate, GateAnswer, GateAsk, GateKind, Lost, Said, Verdict } from './gate.ts'
import type { Classed } from '../classify.ts'
import type { Deadline } from '../relax.ts'

/** In the order in which people are told. */
const GATES: readonly [Gate, GateKind][] = [
  [present, 'order'], [enabled, 'order'], [paused, 'safety'], [breaker, 'order'], [due, 'order'], [dependencies, 'order'], [disk, 'safety'], [temperature, 'safety'],
  [window, 'condition'], [power, 'condition'], [battery, 'condition'], [charge, 'condition'], [idle, 'condition'], [probes, 'condition'],
  [signals, 'condition'], [network, 'condition'], [cpu, 'condition'], [memory, 'condition'], [io, 'condition'], [bandwidth, 'condition'],
  [concurrency, 'order'], [queue, 'order'], [rate, 'order'], [locks, 'order'], [alone, 'order'], [priority, 'order'], [profile, 'condition'], [background, 'condition'], [slots, 'order']
]

/** Gates that close because of what runs already: a running run is not asked to leave for its own sake. */
const CROWD: readonly Gate[] = [concurrency, priority, profile, background, slots]

function ask (gate: Gate, facts: GateAsk): Said | null {
  try {
    return gate(facts)
  } catch (error) {
    // A gate that throws must hold the run, not stop the runner.
    const message = error instanceof Error ? error.message : String(error)
    return { gate: gate.name, ok: false, code: 'gate_error', message, observed: null, required: null, clears_at: null, certain: false, source: 'offpeak' }
  }
}

const NO_TASK: Classed = { class: 'normal', because: 'no task' }

function factsOf ({ task, run, reading, steady, config, standing, now }: EvaluateAsk): { facts: GateAsk, deadline: Deadline | null, kind: Classed } {
  const kind = task === undefined ? NO_TASK : classify(task, config)
  const deadline = task === undefined ? null : deadlineOf(task, run)
  const relaxed = deadline === null || task === undefined ? 0 : relaxation({ deadline: deadline.at, lengthMs: task.deadlineMs, now, from: config.scheduling.relax_from })
  const facts = { task, run, reading: steady === null ? reading : steadied(reading, steady), config, standing, now, class: kind.class, relaxed }
  return { facts, deadline, kind }
}

const isCritical = ({ task, run, class: kind }: GateAsk) => kind === 'critical' || (run.priority ?? task?.priority) === 'critical'

/** Why the conditions of a run are passed although they are closed, or null. */
function bypassOf (facts: GateAsk, deadline: Deadline | null): Bypass | null {
  if (isCritical(facts)) return 'critical'
  if (facts.task?.on_unmet === 'run') return 'on_unmet'
  return deadline !== null && deadline.on_deadline === 'run' && facts.now >= deadline.at ? 'deadline' : null
}

function answersOf (gates: readonly [Gate, GateKind][], facts: GateAsk, bypass: Bypass | null): GateAnswer[] {
  return gates.flatMap(([gate, kind]) => {
    const said = ask(gate, facts)
    if (said === null) return []
    const bypassed = !said.ok && kind === 'condition' ? bypass : null
    return [{ ...said, kind, ok: said.ok || bypassed !== null, bypassed }]
  })
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

/** What power says of the run, made to agree with the verdict. */
function adviceOf (facts: GateAsk, decision: Verdict['decision'], reason: GateAnswer | undefined): Advice {
  const advice = decisionFor(isCritical(facts) ? 'critical' : facts.class, facts.reading, facts.config)
  if (decision === 'start') return advice.decision === 'execute_now' ? advice : { decision: 'execute_now', reason: 'every gate is open or passed' }
  const forMains = reason?.gate === 'power' || (reason?.gate === 'battery' && facts.class === 'charging_only')
  if (forMains) return { decision: 'defer_to_charging', reason: reason.message }
  return advice.decision === 'execute_now' ? { decision: 'defer_to_background', reason: reason?.message ?? advice.reason } : advice
}

/** The verdict on a run: start when every gate is open or passed. The runner acts on this same answer. */
export function evaluate (wanted: EvaluateAsk): Verdict {
  const { facts, deadline, kind } = factsOf(wanted)
  const gates = answersOf(GATES, facts, bypassOf(facts, deadline))
  const decision = decide(facts, deadline, gates)
  return {
    decision,
    gates,
    class: kind,
    deadline,
    relaxed: facts.relaxed,
    advice: adviceOf(facts, decision, gates.find(({ ok }) => !ok)),
    recommendation: recommendationFor(facts.reading, facts.config),
    alone: decision === 'start' && facts.relaxed > 0 && !startsAnyway(facts)
  }
}

/** Whether a run would start that is as far from its deadline as can be. */
const startsAnyway = (facts: GateAsk): boolean => {
  const fresh = { ...facts, relaxed: 0 }
  return answersOf(GATES, fresh, bypassOf(fresh, null)).every(({ ok }) => ok)
}

/** The first closed gate, which is the reason that people are told first. */
export const firstReason = (verdict: Pick<Verdict, 'gates'>): GateAnswer | null => verdict.gates.find(({ ok }) => !ok) ?? null

/** Load and bandwidth are partly the run's own doing: they count when the task itself asks for them. */
const declared = ({ source }: GateAnswer) => source.startsWith('task definition')
const OWN_DOING = ['cpu', 'memory', 'io', 'bandwidth', 'disk', 'idle']

/** Whether a running run goes on, by the `on_lost` of its task: asked of the gates that were open when it started, not of slots. A run that passes
 *  its conditions, critical or at its deadline, goes on; a pause stops no run that is running. */
export function whenLost (wanted: EvaluateAsk): Lost {
  const { facts, deadline } = factsOf(wanted)
  const { on_lost: then = 'continue' } = facts.task ?? {}
  if (then === 'continue') return { decision: 'continue', reason: null }
  const asked = GATES.filter(([gate, kind]) => kind !== 'order' && gate !== paused && !CROWD.includes(gate))
  const answers = answersOf(asked, facts, bypassOf(facts, deadline))
  const reason = answers.find(answer => !answer.ok && answer.code !== 'not_idle' && (!OWN_DOING.includes(answer.gate) || declared(answer) || answer.code === 'in_use')) ?? null
  return { decision: reason === null ? 'continue' : then, reason }
}
