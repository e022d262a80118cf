import { RANKS } from '../conditions/urgency.ts'
import { milliseconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { Priority } from '../run/run.ts'

/** The fields of a running run that preemption uses. `started_at`: epoch ms. `preempted`: how often it was
 *  preempted. */
export interface PreemptCandidate {
  id: string
  priority: Priority
  preemptible: boolean
  started_at: number
  preempted: number
}

/** How long after its start a run cannot be preempted, ms: 0 below `preempt_limit` preemptions, then `preempt_after`,
 *  doubled with each further one, so that the run ends eventually. */
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

/** The id of the run to preempt for a critical or high run without a slot: the preemptible run of the lowest priority
 *  below it and, among equals, the one that started last and so loses the least work. Null when there is none. */
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
