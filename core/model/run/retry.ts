import { clamped } from '../base/clock.ts'
import { MINUTE, SECOND, milliseconds } from '../base/duration.ts'
import type { Duration } from '../base/duration.ts'

/** How long to wait between attempts. */
export interface Backoff {
  kind: 'exponential' | 'linear' | 'fixed' | 'list'
  /** The first wait. */
  delay: Duration
  /** The longest wait. */
  cap: Duration
  /** The random share of the wait, 0 to 1. */
  jitter: number
  /** The waits of the kind list, in order; the last one repeats. */
  list?: readonly Duration[]
}

export const DEFAULT_BACKOFF: Backoff = {
  kind: 'exponential',
  delay: 15 * SECOND / 1000,
  cap: 60 * MINUTE / 1000,
  jitter: 0.5
}

const GROWTH: Record<Exclude<Backoff['kind'], 'list'>, (attempt: number) => number> = {
  exponential: attempt => 2 ** Math.min(attempt - 1, 40),
  linear: attempt => attempt,
  fixed: () => 1
}

function waitOf ({ kind, delay, cap, list = [] }: Backoff, attempt: number): number {
  if (kind === 'list') return milliseconds(list[Math.min(attempt, list.length) - 1] ?? delay)
  return Math.min(milliseconds(cap), milliseconds(delay) * GROWTH[kind](attempt))
}

/** When to retry after the failed attempt number `attempt` (from 1), epoch ms. Jitter only shortens the wait, so that
 *  the cap holds. `random` is in [0, 1).
 *  Source: "Exponential Backoff And Jitter", AWS Architecture Blog, with equal jitter at 0.5. */
export function retryAt (
  { attempt, now, random, backoff }: { attempt: number, now: number, random: number, backoff: Backoff }
): number {
  const wait = waitOf(backoff, Math.max(1, attempt))
  return clamped(Math.round(now + wait * (1 - backoff.jitter * random)))
}
