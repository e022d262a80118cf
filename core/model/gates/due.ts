import type { Gate, GateInput } from '../conditions/gate.ts'
import { spanWords } from '../base/duration.ts'

/** Whether the run is due. */
export const isDue = ({ run, now }: Pick<GateInput, 'run' | 'now'>): boolean => run.due_at <= now

/** Formats instants and caches the last one: runs that are judged together mostly share it. */
function writer (): (at: number) => string {
  let last = { at: NaN, text: '' }
  return at => {
    if (at !== last.at) last = { at, text: new Date(at).toISOString() }
    return last.text
  }
}

const instantOf = { now: writer(), due: writer() }

/** Closed until the run is due. */
export const due: Gate = ({ run, now }) => {
  const ok = isDue({ run, now })
  return {
    gate: 'due',
    ok,
    code: ok ? 'ok' : 'not_due',
    message: ok ? 'due' : `due in ${spanWords(run.due_at - now)}`,
    observed: instantOf.now(now),
    required: instantOf.due(run.due_at),
    clears_at: ok ? null : run.due_at,
    certain: true,
    source: 'the run'
  }
}
