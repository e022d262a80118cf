import { holdView } from '../../model/view/view.ts'
import { iso } from '../../model/base/clock.ts'
import type { Explained, Explanation } from './explain.ts'

const gateView = ({ since, clears_at: clears, ...gate }: Explained) => ({ ...gate, since: iso(since), clears_at: iso(clears) })

/** An explanation as REST shows it: every instant in ISO 8601, durations in seconds. */
export const explanationView = ({ at, gates, earliest, deadline, holds, ...rest }: Explanation) => ({
  ...rest,
  at: iso(at)!,
  gates: gates.map(gateView),
  earliest: earliest && { ...earliest, at: iso(earliest.at)! },
  deadline: deadline && { ...deadline, at: iso(deadline.at)! },
  // What ended later had not ended then.
  holds: holds.map(hold => holdView({ ...hold, to: hold.to !== null && hold.to <= at ? hold.to : null }, at))
})
export type ExplanationView = ReturnType<typeof explanationView>
