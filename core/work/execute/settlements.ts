import { failureOf } from '../../model/run/failure.ts'
import type { Claimed, Engine, Settlement } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Lease, Reason, Run } from '../../model/run/run.ts'
import type { Listener } from '../../model/notice.ts'
import type { Outcome } from '../../model/run/outcome.ts'

interface SettlementsOptions {
  engine: Pick<Engine, 'get' | 'settle'>
  clock: Clock
  notice: Listener
}

/** True when the settlement itself cannot be stored; false when the engine is at fault. */
const isUnstorable = (error: unknown): boolean => error instanceof TypeError || error instanceof RangeError

/** A failure that is not retried. */
export const failedFor = (error: unknown): Outcome => ({ kind: 'failed', error: failureOf(error), retry_at: null })

/** Stores the outcomes of runs. An outcome that the engine refuses is kept and retried, so that a full disk loses
 *  none. */
export class Settlements {
  readonly #options: SettlementsOptions
  /** One function for each refused settlement, which makes it try again. */
  readonly #refused = new Set<() => void>()
  #isOpen = true

  constructor (options: SettlementsOptions) {
    this.#options = options
  }

  open (): void {
    this.#isOpen = true
  }

  /** Drops refused settlements. Their runs are queued again at the next start. */
  close (): void {
    this.#isOpen = false
    this.retry()
  }

  /** Retries the refused settlements. */
  retry (): void {
    for (const resume of this.#refused) resume()
    this.#refused.clear()
  }

  /** Resolves to the settled run, or null when its lease is stale or `close` was called. When the settlement itself
   *  cannot be stored, the run is settled as failed. */
  async settle (asked: Settlement): Promise<Run | null> {
    const { engine, notice } = this.#options
    let settlement = asked
    for (;;) {
      try {
        return await engine.settle(settlement)
      } catch (error) {
        notice({ kind: 'engine_failed', call: 'settle', error: failureOf(error) })
        if (settlement === asked && isUnstorable(error)) {
          settlement = { lease: asked.lease, now: asked.now, outcome: failedFor(error) }
          continue
        }
        if (!this.#isOpen) return null
        await new Promise<void>(resolve => this.#refused.add(resolve))
      }
    }
  }

  /** Gives back a claimed run that has not begun. `due_at`: its new due instant, by default unchanged. */
  async giveBack ({ id, turn, due_at: due }: Claimed, reason: Reason, due_at = due): Promise<void> {
    await this.#postpone({ id, turn }, { kind: 'postponed', reason, due_at })
  }

  /** Gives back a run that is stored as running here but is not. */
  async giveBackLease (lease: Lease, reason: Reason): Promise<void> {
    const run = await this.#options.engine.get(lease.id)
    if (run?.state !== 'running' || run.turn !== lease.turn) return
    await this.#postpone(lease, { kind: 'postponed', reason, due_at: run.due_at })
  }

  async #postpone (lease: Lease, outcome: Outcome): Promise<void> {
    await this.settle({ lease, outcome, now: this.#options.clock.now(), begun: false })
  }
}
