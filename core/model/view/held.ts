import { firstReason } from '../admit/evaluate.ts'
import type { Verdict } from '../conditions/gate.ts'

/** Why a run is held, and the command that starts it. */
export interface Held {
  code: string
  message: string
}

type Gates = Pick<Verdict, 'gates'>

/** True when only conditions hold a run, so that it starts when a person requests it now. */
export function startsByHand ({ gates }: Gates): boolean {
  const closed = gates.filter(({ ok }) => !ok)
  return closed.length > 0 && closed.every(({ kind }) => kind === 'condition')
}

/** The reason, followed by the command that starts the run all the same, if there is one. */
export const withCommand = (message: string, run: string, verdict: Gates): string =>
  startsByHand(verdict) ? `${message}; start it now with: offpeak now ${run}` : message

/** Why a run is held; null when it is not. */
export function heldReason (verdict: Pick<Verdict, 'decision' | 'gates'> | null, run: string): Held | null {
  const reason = verdict?.decision === 'hold' ? firstReason(verdict) : null
  return reason && { code: reason.code, message: withCommand(reason.message, run, verdict!) }
}

/** A closed condition that a run bypasses because a person requested it now. */
export interface Passed {
  gate: string
  code: string
  message: string
}

/** The closed conditions that a run bypasses because a person requested it now. */
export const passedBy = ({ gates }: Gates): Passed[] =>
  gates.filter(({ bypassed }) => bypassed === 'now').map(({ gate, code, message }) => ({ gate, code, message }))
