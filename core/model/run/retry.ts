import { clamped } from '../base/clock.ts'
import { MINUTE, SECOND, milliseconds } from '../base/duration.ts'
import type { Duration } from '../base/duration.ts'

/** How long to wait between attempts. */
export interface Backoff {
  kind: 'exponential' | 'linear' | 'fixed' | 'list'
  /** The first wait. */
  delay: Duration
  /** No wait is longer. */
  cap: Duration
  /** Share of the wait left to chance, 0 to 1. */
  jitter: number
  /** The waits of the kind list, one by one; the last one stays. */
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

/** When to try again after the failed attempt number `attempt` (1 is the first). Jitter only shortens the wait,
 *  so that the cap is one. `random` is in [0, 1).
 *  Source: "Exponential Backoff And Jitter", AWS Architecture Blog, with equal jitter at 0.5. */
export function retryAt (
  { attempt, now, random, backoff }: { attempt: number, now: number, random: number, backoff: Backoff }
): number {
  const wait = waitOf(backoff, Math.max(1, attempt))
  return clamped(Math.round(now + wait * (1 - backoff.jitter * random)))
}
