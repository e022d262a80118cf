import { LEASE } from './lease-length.ts'
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
  /** True when this process has claimed a run and has not settled it. */
  isHere: (id: string) => boolean
}

/** How often a runner without runs renews its lease and reads which runs are stored as its own. */
const IDLE_INTERVAL = 10 * MINUTE

/** Renews the lease of this owner, and reconciles the runs that are stored as its own with those that it executes. */
export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions
  #renewedAt = -Infinity
  /** Runs that the last renewal found stored as our own although they are not executed here. */
  #missing = new Set<string>()

  constructor (options: LeaseRenewalOptions) {
    this.#options = options
  }

  /** Acquires the lease when the runner starts. */
  async begin (): Promise<void> {
    await this.#beat()
  }

  /** Makes the next call of `renew` call the engine even when nothing runs: a failed claim may have taken runs. */
  force (): void {
    this.#renewedAt = -Infinity
  }

  /** Renews the lease. Asks runs that were lost or cancelled elsewhere to stop. Gives back a run that is stored as our
   *  own when two renewals in a row find that it is not executed here. */
  async renew (): Promise<void> {
    const { clock, active, executor, abort, isHere } = this.#options
    // A runner without runs needs no lease, so it need not write each time.
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
