import { RANKS } from '../conditions/urgency.ts'
import { milliseconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { Priority } from '../run/run.ts'

/** A running run as preemption sees it. Instants are epoch ms. `preempted`: how often it was preempted before. */
export interface PreemptCandidate {
  id: string
  priority: Priority
  preemptible: boolean
  started_at: number
  preempted: number
}

/** How long a run is protected after so many preemptions, ms: 0 below `preempt_limit`, then `preempt_after`, doubled
 *  each time, so that it ends eventually. */
function protectedMs (
  { preempt_limit: limit, preempt_after: after }: Pick<Config['scheduling'], 'preempt_limit' | 'preempt_after'>,
  preempted: number
): number {
  return preempted < limit ? 0 : milliseconds(after) * 2 ** Math.min(preempted - limit, 20)
}

interface PreemptAsk {
  priority: Priority
  running: readonly PreemptCandidate[]
  config: Pick<Config, 'scheduling'>
  now: number
}

/** The run to preempt for a critical or high run without a slot: of the preemptible runs of lower priority the lowest,
 *  and of those the latest to start, which loses the least work; null when there is none. */
export function whomToPreempt ({ priority, running, config, now }: PreemptAsk): string | null {
  if (priority !== 'critical' && priority !== 'high') return null
  const fit = running.filter(other =>
    other.preemptible && RANKS[other.priority] > RANKS[priority] &&
    now - other.started_at >= protectedMs(config.scheduling, other.preempted)
  )
  const chosen =
    fit.toSorted((a, b) =>
      RANKS[b.priority] - RANKS[a.priority] || b.started_at - a.started_at || (a.id < b.id ? -1 : 1)
    )[0]
  return chosen?.id ?? null
}
