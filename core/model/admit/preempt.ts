import { RANKS } from '../gates/urgency.ts'
import { milliseconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { Priority } from '../run/run.ts'

/** A running run, as far as preemption looks at it. Instants are epoch ms. `preempted`: how often it has given its slot
 *  away before. */
export interface PreemptCandidate {
  id: string
  priority: Priority
  preemptible: boolean
  started_at: number
  preempted: number
}

/** How long a run that has given its slot away so often keeps the next one, ms: nothing up to `preempt_limit` times,
 *  then `preempt_after`, and each time twice as long, so that it ends however often others come. */
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

/** Whose slot a critical or high run that finds none may take: of the preemptible runs of a lower priority the lowest,
 *  and of those the one that started last and so has the least to lose; null when there is none. */
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
