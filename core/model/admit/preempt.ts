import { PRIORITIES } from '../run/run.ts'
import type { Priority } from '../run/run.ts'

/** A running run, as far as preemption looks at it. Instants are epoch ms. */
export interface Occupant { id: string, priority: Priority, preemptible: boolean, started_at: number }

const rank = (priority: Priority) => PRIORITIES.indexOf(priority)

/** Whose slot a critical or high run that finds none may take: of the preemptible runs of a lower priority the lowest, and of those the one that
 *  started last and so has the least to lose; null when there is none. */
export function whomToPreempt (priority: Priority, running: readonly Occupant[]): string | null {
  if (priority !== 'critical' && priority !== 'high') return null
  const fit = running.filter(other => other.preemptible && rank(other.priority) > rank(priority))
  const chosen = fit.toSorted((a, b) => rank(b.priority) - rank(a.priority) || b.started_at - a.started_at || (a.id < b.id ? -1 : 1))[0]
  return chosen?.id ?? null
}
