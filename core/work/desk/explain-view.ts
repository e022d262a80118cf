import { holdView } from '../../model/view/run-view.ts'
import { startsByHand, withCommand } from '../../model/view/held.ts'
import { iso } from '../../model/base/clock.ts'
import type { Explained, Explanation } from './explain.ts'
import type { RestingReason } from '../../model/schedule/resting.ts'

const gateView = ({ since, clears_at: clears, ...gate }: Explained) => ({
  ...gate,
  since: iso(since),
  clears_at: iso(clears)
})

type Reason = Pick<Explanation, 'task' | 'decision' | 'message' | 'gates'>

/** The message for a task without a waiting run that does not start automatically. */
function restingMessage ({ task, decision, message, gates }: Reason, rest: RestingReason): string {
  const starts = `\`offpeak run ${task}\` starts it`
  if (decision === 'start') return `${rest.message}; ${starts}`
  return startsByHand({ gates })
    ? `${rest.message}; ${starts} in spite of: ${message}`
    : `${rest.message}; run by hand, it would wait: ${message}`
}

function messageOf (answer: Reason & Pick<Explanation, 'run'>, rest: RestingReason | null): string {
  const { run, decision, message, gates } = answer
  if (run === null) return rest === null ? message : restingMessage(answer, rest)
  return decision === 'hold' ? withCommand(message, run, { gates }) : message
}

/** An explanation in the form of the REST API: instants in ISO 8601, durations in seconds. `rest`: why no run of the
 *  task starts automatically; ignored when a run waits. */
export const explanationView = (
  { at, message, gates, earliest, deadline, holds, ...facts }: Explanation,
  rest: RestingReason | null = null
) => ({
  ...facts,
  message: messageOf({ ...facts, message, gates }, rest),
  resting: facts.run === null ? rest : null,
  at: iso(at)!,
  gates: gates.map(gateView),
  earliest: earliest && { ...earliest, at: iso(earliest.at)! },
  deadline: deadline && { ...deadline, at: iso(deadline.at)! },
  // A hold that ended after `at` was still open at that instant.
  holds: holds.map(hold => holdView({ ...hold, to: hold.to !== null && hold.to <= at ? hold.to : null }, at))
})
export type ExplanationView = ReturnType<typeof explanationView>
