import { LEASE } from './lease.ts'
import { LOST, NOT_HERE } from './reasons.ts'
import { MINUTE } from '../../model/base/duration.ts'
import { StopReason } from '../../model/run/outcome.ts'
import type { ActiveRuns } from '../execute/active-runs.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Executor } from '../execute/executor.ts'
import type { Lease } from '../../model/run/run.ts'

interface LeaseRenewalOptions {
  owner: string
  engine: Engine
  clock: Clock
  active: ActiveRuns
  executor: Pick<Executor, 'pending' | 'settlements'>
  abort: (id: string, reason: StopReason) => boolean
  /** True for a run that this process has, in whatever stage. */
  isHere: (id: string) => boolean
}

/** How often a runner without runs renews its lease and asks which runs are stored as its own. */
const IDLE_INTERVAL = 10 * MINUTE

/** Renews the lease of this owner, and brings the runs that the engine stores as its own in line with those here. */
export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions
  #renewedAt = -Infinity
  /** Runs that are stored as ours and are not here, as the last renewal found them. */
  #missing = new Set<string>()

  constructor (options: LeaseRenewalOptions) {
    this.#options = options
  }

  /** Takes the lease when the runner starts. */
  async begin (): Promise<void> {
    await this.#beat()
  }

  /** Makes the next call of `renew` ask the engine, whatever runs here: a claim that failed may have taken runs. */
  force (): void {
    this.#renewedAt = -Infinity
  }

  /** Renews the lease. Asks runs that were lost or cancelled elsewhere to stop. Gives a run back that is stored as ours
   *  and that two renewals in a row have not found here. */
  async renew (): Promise<void> {
    const { clock, active, executor, abort, isHere } = this.#options
    // A runner without runs needs no lease, and does not write each time.
    const isIdle = active.size === 0 && executor.pending === 0 && this.#missing.size === 0
    if (isIdle && clock.now() - this.#renewedAt < IDLE_INTERVAL) return
    this.#renewedAt = clock.now()
    const before = active.all().map(({ lease }) => lease)
    const { running, cancel } = await this.#beat()
    this.#abortLost(before, running)
    for (const { id, reason } of cancel) abort(id, new StopReason('cancelled', reason.message, reason.by))
    const missing = running.filter(({ id }) => !isHere(id))
    for (const lease of missing.filter(({ id }) => this.#missing.has(id))) {
      void executor.settlements.giveBackLease(lease, NOT_HERE)
    }
    this.#missing = new Set(missing.map(({ id }) => id))
  }

  async #beat () {
    const { engine, owner, clock } = this.#options
    return await engine.beat({ owner, now: clock.now(), until: clock.now() + LEASE })
  }

  #abortLost (before: readonly Lease[], stored: readonly Lease[]): void {
    const { active, abort } = this.#options
    const turns = new Map(stored.map(({ id, turn }) => [id, turn]))
    for (const { id, turn } of before) {
      if (turns.get(id) !== turn && active.get(id)?.lease.turn === turn) abort(id, LOST)
    }
  }
}
