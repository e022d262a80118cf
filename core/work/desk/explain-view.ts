import { holdView } from '../../model/view/view.ts'
import { iso } from '../../model/base/clock.ts'
import type { Explained, Explanation } from './explain.ts'
import type { Rest } from '../../model/schedule/resting.ts'

const gateView = ({ since, clears_at: clears, ...gate }: Explained) => ({ ...gate, since: iso(since), clears_at: iso(clears) })

/** What is said of a task that has no run and starts none by itself: that first. */
function restWords ({ decision, message }: Pick<Explanation, 'decision' | 'message'>, rest: Rest): string {
  return `${rest.message}; asked for by hand it would ${decision === 'start' ? 'start' : `wait: ${message}`}`
}

/** An explanation as REST shows it: every instant in ISO 8601, durations in seconds. `rest`: why the task starts no run by itself; it counts as
 *  long as no run waits. */
export const explanationView = ({ at, message, gates, earliest, deadline, holds, ...facts }: Explanation, rest: Rest | null = null) => ({
  ...facts,
  message: rest === null || facts.run !== null ? message : restWords({ decision: facts.decision, message }, rest),
  resting: facts.run === null ? rest : null,
  at: iso(at)!,
  gates: gates.map(gateView),
  earliest: earliest && { ...earliest, at: iso(earliest.at)! },
  deadline: deadline && { ...deadline, at: iso(deadline.at)! },
  // What ended later had not ended then.
  holds: holds.map(hold => holdView({ ...hold, to: hold.to !== null && hold.to <= at ? hold.to : null }, at))
})
export type ExplanationView = ReturnType<typeof explanationView>
