import { firstReason } from '../admit/evaluate.ts'
import type { Verdict } from '../conditions/gate.ts'

/** Why a run waits, and how a person starts it. */
export interface Held {
  code: string
  message: string
}

type Gates = Pick<Verdict, 'gates'>

/** True when nothing but conditions holds a run: then one that is asked for at once starts. */
export function startsByHand ({ gates }: Gates): boolean {
  const closed = gates.filter(({ ok }) => !ok)
  return closed.length > 0 && closed.every(({ kind }) => kind === 'condition')
}

/** A reason, and behind it the command that starts the run in spite of it, where there is one. */
export const withCommand = (message: string, run: string, verdict: Gates): string =>
  startsByHand(verdict) ? `${message}; start it now with: offpeak now ${run}` : message

/** Why a run is held as people read it; null when its verdict is another one. */
export function heldReason (verdict: Pick<Verdict, 'decision' | 'gates'> | null, run: string): Held | null {
  const reason = verdict?.decision === 'hold' ? firstReason(verdict) : null
  return reason && { code: reason.code, message: withCommand(reason.message, run, verdict!) }
}

/** A condition that a run passes because a person asked for it at once. */
export interface Passed {
  gate: string
  code: string
  message: string
}

/** The conditions that a run passes although they are closed, because it is to run now. */
export const passedBy = ({ gates }: Gates): Passed[] =>
  gates.filter(({ bypassed }) => bypassed === 'now').map(({ gate, code, message }) => ({ gate, code, message }))
