import type { Gate, GateAnswer, GateAsk, Verdict } from './gate.ts'
import { concurrency } from './concurrency.ts'
import { due } from './due.ts'
import { present } from './present.ts'
import { slots } from './slots.ts'

const GATES: readonly Gate[] = [present, due, concurrency, slots]

function ask (gate: Gate, facts: GateAsk): GateAnswer {
  try {
    return gate(facts)
  } catch (error) {
    // A gate that throws must hold the run, not stop the runner.
    const message = error instanceof Error ? error.message : String(error)
    return { gate: gate.name, ok: false, code: 'gate_error', message, observed: null, required: null, clears_at: null }
  }
}

/** The verdict on a run: start when every gate is open. The runner acts on this same answer. */
export function evaluate (facts: GateAsk): Verdict {
  const gates = GATES.map(gate => ask(gate, facts))
  return { decision: gates.every(({ ok }) => ok) ? 'start' : 'hold', gates }
}

/** The first closed gate, which is the reason that people are told first. */
export const firstReason = (verdict: Verdict): GateAnswer | null => verdict.gates.find(({ ok }) => !ok) ?? null
