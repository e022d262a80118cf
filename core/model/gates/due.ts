import type { Gate } from './gate.ts'
import { spanWords } from '../duration.ts'

/** Closed until the run is due. */
export const due: Gate = ({ run, now }) => {
  const ok = run.due_at <= now
  return {
    gate: 'due',
    ok,
    code: ok ? 'ok' : 'not_due',
    message: ok ? 'due' : `due in ${spanWords(run.due_at - now)}`,
    observed: new Date(now).toISOString(),
    required: new Date(run.due_at).toISOString(),
    clears_at: ok ? null : run.due_at,
    certain: true,
    source: 'the run'
  }
}
