import { ranIn, statistics } from './statistics.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { HeldTime, StatsAsk, StoredAuditEntry } from '../../engine/reports.ts'
import type { Ran, StatsView } from './statistics.ts'

/** Statistics, past runs and the audit log. Spans are [from, to) in epoch ms. */
export class RunHistory {
  readonly #engine: Engine
  readonly #clock: Clock

  constructor ({ engine, clock }: { engine: Engine, clock: Clock }) {
    this.#engine = engine
    this.#clock = clock
  }

  /** Counts, waits and durations by task or queue; see `statistics`. */
  statistics (ask: StatsAsk): Promise<StatsView[]> {
    return statistics(this.#engine, { ...ask, now: this.#clock.now() })
  }

  /** The runs whose last attempt overlaps a span, ordered by start. */
  ran (span: { from: number, to: number }): Promise<Ran> {
    return ranIn(this.#engine, span)
  }

  /** How long runs were held on the UTC days that overlap a span, by task and reason, longest first. */
  held (span: { from: number, to: number }): Promise<HeldTime[]> {
    return this.#engine.held({ ...span, now: this.#clock.now() })
  }

  /** Entries of the audit log, newest first. `before`: only entries with a smaller `seq`. */
  records (
    ask: { limit: number, before?: number | undefined, action?: string | undefined }
  ): Promise<StoredAuditEntry[]> {
    return this.#engine.records(ask as Parameters<Engine['records']>[0])
  }
}
