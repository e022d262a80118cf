import { OF_MACHINE, RULES, SHARED, ownPlaces } from './rules.ts'
import { steadied } from '../machine/hysteresis.ts'
import type { Advice, Recommendation } from './advice.ts'
import type { Bypass, EvaluateAsk, Gate, GateAnswer, GateAsk, Said, Standing } from './gate.ts'
import type { Class } from '../task/constraint.ts'
import type { Rule } from './rules.ts'

/** What is the same for all runs that are asked about at one instant, and what was found out of it so far. */
export interface Look extends Pick<GateAsk, 'reading' | 'config' | 'now' | 'standing'> {
  /** By the number of running runs of a task. */
  standings: Map<number, Standing>
  /** What the gates say of a run that asks for nothing of its own, by place; null before it is needed. */
  shared: Answers | null
  /** The places of those that are closed. */
  closed: readonly number[]
  advice: Map<Class, Advice>
  recommendation: Recommendation | null
}

/** A look at things as they stand. */
export function lookOf ({ reading, steady, config, standing, now }: Omit<EvaluateAsk, 'task' | 'run'>): Look {
  return {
    reading: steady === null ? reading : steadied(reading, steady),
    config,
    now,
    standing,
    standings: new Map([[standing.active, standing]]),
    shared: null,
    closed: [],
    advice: new Map(),
    recommendation: null
  }
}

/** The standing of a run of a task of which so many are running. */
export function standingWith ({ standing, standings }: Look, active: number): Standing {
  const before = standings.get(active)
  if (before !== undefined) return before
  const found = { ...standing, active }
  standings.set(active, found)
  return found
}

function said (gate: Gate, facts: GateAsk): Said | null {
  try {
    return gate(facts)
  } catch (error) {
    // A gate that throws must hold the run, not stop the runner.
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

function answerOf ({ gate, kind }: Rule, facts: GateAsk): GateAnswer | null {
  // Every answer of a gate is a new one: it is completed where it lies, for it is asked hundreds of times in a burst.
  const answer = said(gate, facts) as GateAnswer | null
  if (answer === null) return null
  answer.kind = kind
  answer.bypassed = null
  return answer
}

const passes = (kind: GateAnswer['kind'], bypass: Bypass | null): boolean =>
  bypass !== null && (kind === 'condition' || (kind === 'share' && bypass === 'critical'))

/** The answer on a run that passes closed gates of this kind, or on one that does not. */
const passed = (answer: GateAnswer, bypass: Bypass | null): GateAnswer =>
  answer.ok || !passes(answer.kind, bypass) ? answer : { ...answer, ok: true, bypassed: bypass }

type Answers = readonly (GateAnswer | null)[]

/** What the gates of the machine say while a reading and a configuration are in force. */
const machine = new WeakMap<Look['reading'], { config: Look['config'], answers: Answers }>()

function machineBy (facts: GateAsk): Answers {
  const before = machine.get(facts.reading)
  if (before?.config === facts.config) return before.answers
  const answers: (GateAnswer | null)[] = RULES.map(() => null)
  for (const place of OF_MACHINE) answers[place] = answerOf(RULES[place]!, facts)
  machine.set(facts.reading, { config: facts.config, answers })
  return answers
}

function sharedBy (look: Look): Answers {
  if (look.shared !== null) return look.shared
  const { reading, config, standing, now } = look
  const facts: GateAsk = {
    task: undefined,
    run: { task: '', due_at: now },
    reading,
    config,
    standing,
    now,
    class: 'normal',
    relaxed: 0
  }
  const shared = [...machineBy(facts)]
  for (const place of SHARED) if (!OF_MACHINE.includes(place)) shared[place] = answerOf(RULES[place]!, facts)
  look.closed = SHARED.filter(place => shared[place]?.ok === false)
  look.shared = shared
  return shared
}

/** What some gates say of a run, asked for it alone. */
export function answersBy (rules: readonly Rule[], facts: GateAsk, bypass: Bypass | null): GateAnswer[] {
  const answers = rules.map(rule => answerOf(rule, facts))
  return answers.filter(answer => answer !== null).map(answer => passed(answer, bypass))
}

/** What all gates say of a run, in the order in which people are told; answers may be shared with other runs of the
 *  look. */
export function answersOn (look: Look, facts: GateAsk, bypass: Bypass | null): GateAnswer[] {
  const own = ownPlaces(facts)
  const answers = own.length === RULES.length ? [] : [...sharedBy(look)]
  for (const place of own) answers[place] = answerOf(RULES[place]!, facts)
  const found: GateAnswer[] = []
  for (const answer of answers) if (answer !== null) found.push(passed(answer, bypass))
  return found
}

/** What the gates say against a run, those that are passed among them, in the order in which people are told: all that
 *  a start needs. */
export function against (look: Look, facts: GateAsk, bypass: Bypass | null): GateAnswer[] {
  const own = ownPlaces(facts)
  const found: [place: number, answer: GateAnswer][] = []
  for (const place of own) {
    const rule = RULES[place]!
    if (rule.opens?.(facts)) continue
    const answer = answerOf(rule, facts)
    if (answer !== null && !answer.ok) found.push([place, passed(answer, bypass)])
  }
  if (own.length < RULES.length) {
    const shared = sharedBy(look)
    for (const place of look.closed) if (!own.includes(place)) found.push([place, passed(shared[place]!, bypass)])
  }
  if (found.length > 1) found.sort(([a], [b]) => a - b)
  return found.map(([, answer]) => answer)
}
