import { MINUTE, SECOND, milliseconds } from '../model/base/duration.ts'
import { BLOCKED_MS } from '../model/view/loop-block.ts'
import { LEASE } from '../work/run/lease-length.ts'
import { failureOf } from '../model/run/failure.ts'
import { watchdog } from '../work/upkeep/watchdog.ts'
import type { Beat } from '../work/upkeep/ticker.ts'
import type { Parts, Wiring } from './parts.ts'

const POLL = 5 * SECOND
const FLUSH = SECOND / 2
const RESCAN = MINUTE

/** Reacts to a step of the wall clock, ms. */
function afterStep ({ notices, pauses, scheduling, upkeep }: Parts, ms: number): void {
  pauses.refresh()
  if (ms < 0) {
    void upkeep.bringBack().catch(error =>
      notices.send({ kind: 'beat_failed', beat: 'watch', error: failureOf(error) })
    )
  }
  void scheduling.replan()
}

/** The timed loops. */
export function beatsFor ({ parts, config }: Wiring): Beat[] {
  const { clock, notices, runner, catalog, settings, upkeep, standstill, security, watch } = parts
  return [
    {
      name: 'sample',
      everyMs: Math.max(SECOND, milliseconds(config().sense.every)),
      run: () => parts.sampler.sample()
    },
    { name: 'poll', everyMs: POLL, run: () => parts.scheduling.poll() },
    { name: 'flush', everyMs: FLUSH, run: () => runner.flush() },
    { name: 'renew', everyMs: LEASE / 3, run: () => parts.upkeep.beat(() => runner.renew()) },
    watchdog({
      clock,
      notice: notices.send,
      jumped: ms => afterStep(parts, ms),
      suspects: () => runner.active.suspects(),
      reportedFrom: () => watch.isWatching ? BLOCKED_MS : Infinity
    }),
    { name: 'files', everyMs: 2 * SECOND, run: () => parts.io.look() },
    {
      name: 'rescan',
      everyMs: RESCAN,
      run: async () => {
        await Promise.all([catalog.rescan(), settings.rescan(), security.look()])
      }
    },
    {
      name: 'sweep',
      everyMs: MINUTE,
      run: async () => {
        await Promise.all([upkeep.sweepWhenDue(), parts.pauses.forget(upkeep.sureBy()), standstill.look()])
      }
    }
  ]
}
