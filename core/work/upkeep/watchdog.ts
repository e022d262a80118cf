import { SECOND } from '../../model/base/duration.ts'
import type { Beat } from './ticker.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Listener } from '../../model/notice.ts'

const EVERY = SECOND
const BLOCKED = SECOND
const JUMP = 2 * SECOND

interface WatchdogOptions {
  clock: Clock
  notice: Listener
  /** The tasks that are executed in this thread, or were since the last beat. */
  suspects: () => string[]
  /** Blocks of at least this length are reported by the watcher thread in more detail, ms; Infinity without one. */
  reportedFrom?: () => number
  /** Called when the wall clock was set or the machine has slept. */
  jumped: (ms: number) => void
}

/** A beat that detects a blocked event loop, with the tasks that were running, and jumps of the wall clock against the
 *  monotonic clock. */
export function watchdog ({ clock, notice, suspects, reportedFrom = () => Infinity, jumped }: WatchdogOptions): Beat {
  let monotonic: number | null = null
  let wall = 0
  return {
    name: 'watch',
    everyMs: EVERY,
    run: () => {
      const counted = monotonic === null ? EVERY : clock.monotonic() - monotonic
      const passed = monotonic === null ? counted : clock.now() - wall
      monotonic = clock.monotonic()
      wall = clock.now()
      const tasks = suspects()
      const blocked = counted - EVERY
      if (blocked > BLOCKED && blocked < reportedFrom()) {
        notice({ kind: 'loop_blocked', ms: Math.round(blocked), tasks })
      }
      if (Math.abs(passed - counted) <= JUMP) return
      notice({ kind: 'clock_jumped', ms: Math.round(passed - counted) })
      jumped(passed - counted)
    }
  }
}
