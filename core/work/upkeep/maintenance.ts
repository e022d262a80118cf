import { DAY, milliseconds } from '../../model/base/duration.ts'
import { endOrphan } from '../isolate/process-group.ts'
import { forgetRequests } from '../desk/requests.ts'
import { forgetUploads } from '../desk/uploads.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'

export interface UpkeepOptions { engine: Engine, clock: Clock, notice: Listener, config: () => Config, folder: () => string, owner: string }

const SLICE = 100
const MOST_RUNNING = 1000

/** What keeps the store in order: runs of dead processes at the start, old ones all along. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #lastSweepAt = 0

  constructor (options: UpkeepOptions) {
    this.#options = options
  }

  /** Puts back what owners had running that are no more, their children ended first; resolves to how many. */
  async recover (): Promise<number> {
    const { engine, clock, config, owner } = this.#options
    const running = await engine.list({ state: ['running'], limit: MOST_RUNNING })
    const now = clock.now()
    const over = running.items.filter(run => run.owner !== owner && (run.lease_until === null || run.lease_until <= now))
    for (const { id, child } of over) if (child) await endOrphan(child, id)
    const { auto_restart_tasks: again, crash_cap: cap } = config().manager
    const { queued } = await engine.expire({ now, restart: again ? 'restart' : 'fail', crash_cap: cap })
    return queued.length
  }

  /** Renews what this process has, and takes up what owners had that are no more. */
  async beat (renew: () => Promise<void>): Promise<void> {
    await renew()
    await this.recover()
  }

  /** Removes finished runs beyond the retention, a slice at a time; resolves to how many. */
  async sweep (): Promise<number> {
    const { engine, clock, config, notice } = this.#options
    const { max_age: age, max_runs: keep, dead_max_age: dead } = config().retention
    let removed = 0
    for (let count = SLICE; count === SLICE; removed += count) {
      const now = clock.now()
      count = await engine.sweep({ now, before: now - milliseconds(age), dead_before: now - milliseconds(dead), keep, limit: SLICE })
    }
    if (removed > 0) notice({ kind: 'swept', removed })
    return removed
  }

  async sweepWhenDue (): Promise<void> {
    const { clock, config, folder } = this.#options
    const every = Math.min(milliseconds(config().retention.every), DAY)
    // A clock that was set back has not swept lately.
    if (Math.abs(clock.now() - this.#lastSweepAt) < every) return
    this.#lastSweepAt = clock.now()
    const now = clock.now()
    await forgetUploads(folder(), now - milliseconds(config().uploads.max_age))
    await forgetRequests(this.#options.engine, { before: now - milliseconds(config().retention.max_age), now })
    await this.sweep()
  }
}
