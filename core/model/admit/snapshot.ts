import { OF_MACHINE, GATES, SHARED, ownPlaces } from '../gates/gates.ts'
import { smoothed } from '../machine/hysteresis.ts'
import type { Advice, Recommendation } from '../conditions/advice.ts'
import type { Bypass, EvaluateAsk, Gate, GateAnswer, GateInput, GateResult, Occupancy } from '../conditions/gate.ts'
import type { Class } from '../task/constraint.ts'
import type { GateEntry } from '../gates/gates.ts'

/** The input shared by all runs that are judged at one instant, with the answers found so far. */
export interface Snapshot extends Pick<GateInput, 'reading' | 'config' | 'now' | 'occupancy'> {
  /** By the number of running runs of a task. */
  standings: Map<number, Occupancy>
  /** The results for a run without requirements, by place; null until needed. */
  shared: Answers | null
  /** The places of the shared gates that are closed. */
  closed: readonly number[]
  advice: Map<Class, Advice>
  recommendation: Recommendation | null
}

/** A snapshot to judge runs by. */
export function snapshotOf (
  { reading, hysteresis, config, occupancy, now }: Omit<EvaluateAsk, 'task' | 'run'>
): Snapshot {
  return {
    reading: hysteresis === null ? reading : smoothed(reading, hysteresis),
    config,
    now,
    occupancy,
    standings: new Map([[occupancy.active, occupancy]]),
    shared: null,
    closed: [],
    advice: new Map(),
    recommendation: null
  }
}

/** The occupancy for a run whose task has `active` running runs. */
export function occupancyWith ({ occupancy, standings }: Snapshot, active: number): Occupancy {
  const before = standings.get(active)
  if (before !== undefined) return before
  const found = { ...occupancy, active }
  standings.set(active, found)
  return found
}

function resultOf (gate: Gate, input: GateInput): GateResult | null {
  try {
    return gate(input)
  } catch (error) {
    // A gate that throws holds the run; the runner continues.
    const message = error instanceof Error ? error.message : String(error)
    return {
      gate: gate.name,
      ok: false,
      code: 'gate_error',
      message,
      observed: null,
      required: null,
      clears_at: null,
      certain: false,
      source: 'offpeak'
    }
  }
}

function answerOf ({ gate, kind }: GateEntry, input: GateInput): GateAnswer | null {
  // Each result is a new object, so it is completed in place: this runs hundreds of times in a burst.
  const answer = resultOf(gate, input) as GateAnswer | null
  if (answer === null) return null
  answer.kind = kind
  answer.bypassed = null
  return answer
}

const passes = (kind: GateAnswer['kind'], bypass: Bypass | null): boolean =>
  bypass !== null && (kind === 'condition' || (kind === 'share' && bypass === 'critical'))

/** The answer with its bypass applied. */
const passed = (answer: GateAnswer, bypass: Bypass | null): GateAnswer =>
  answer.ok || !passes(answer.kind, bypass) ? answer : { ...answer, ok: true, bypassed: bypass }

type Answers = readonly (GateAnswer | null)[]

/** Results that depend only on a reading and a configuration, by reading. */
const machine = new WeakMap<Snapshot['reading'], { config: Snapshot['config'], answers: Answers }>()

function machineBy (input: GateInput): Answers {
  const before = machine.get(input.reading)
  if (before?.config === input.config) return before.answers
  const answers: (GateAnswer | null)[] = GATES.map(() => null)
  for (const place of OF_MACHINE) answers[place] = answerOf(GATES[place]!, input)
  machine.set(input.reading, { config: input.config, answers })
  return answers
}

function sharedBy (snapshot: Snapshot): Answers {
  if (snapshot.shared !== null) return snapshot.shared
  const { reading, config, occupancy, now } = snapshot
  const input: GateInput = {
    task: undefined,
    run: { task: '', due_at: now },
    reading,
    config,
    occupancy,
    now,
    class: 'normal',
    relaxed: 0
  }
  const shared = [...machineBy(input)]
  for (const place of SHARED) if (!OF_MACHINE.includes(place)) shared[place] = answerOf(GATES[place]!, input)
  snapshot.closed = SHARED.filter(place => shared[place]?.ok === false)
  snapshot.shared = shared
  return shared
}

/** The answers of some gates for a run. */
export function answersBy (rules: readonly GateEntry[], input: GateInput, bypass: Bypass | null): GateAnswer[] {
  const answers = rules.map(rule => answerOf(rule, input))
  return answers.filter(answer => answer !== null).map(answer => passed(answer, bypass))
}

/** The answers of all gates for a run, in order; some are shared with other runs of the snapshot. */
export function answersOn (snapshot: Snapshot, input: GateInput, bypass: Bypass | null): GateAnswer[] {
  const own = ownPlaces(input)
  const answers = own.length === GATES.length ? [] : [...sharedBy(snapshot)]
  for (const place of own) answers[place] = answerOf(GATES[place]!, input)
  const found: GateAnswer[] = []
  for (const answer of answers) if (answer !== null) found.push(passed(answer, bypass))
  return found
}

/** The answers of closed gates for a run, bypassed ones included, in order: all that a start needs. */
export function against (snapshot: Snapshot, input: GateInput, bypass: Bypass | null): GateAnswer[] {
  const own = ownPlaces(input)
  const found: [place: number, answer: GateAnswer][] = []
  for (const place of own) {
    const rule = GATES[place]!
    if (rule.opens?.(input)) continue
    const answer = answerOf(rule, input)
    if (answer !== null && !answer.ok) found.push([place, passed(answer, bypass)])
  }
  if (own.length < GATES.length) {
    const shared = sharedBy(snapshot)
    for (const place of snapshot.closed) if (!own.includes(place)) found.push([place, passed(shared[place]!, bypass)])
  }
  if (found.length > 1) found.sort(([a], [b]) => a - b)
  return found.map(([, answer]) => answer)
}
