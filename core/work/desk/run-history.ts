import { ranIn, statistics } from './statistics.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { HeldTime, StatsAsk, StoredAuditEntry } from '../../engine/reports.ts'
import type { Ran, StatsView } from './statistics.ts'

/** What happened: statistics, runs of a span and records. Spans are [from, to) in epoch ms. */
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

  /** The runs whose last attempt ran at any moment of a span, in order of their starts. */
  ran (span: { from: number, to: number }): Promise<Ran> {
    return ranIn(this.#engine, span)
  }

  /** How long runs were held in the days of UTC that touch a span, by task and reason; longest first. */
  held (span: { from: number, to: number }): Promise<HeldTime[]> {
    return this.#engine.held({ ...span, now: this.#clock.now() })
  }

  /** What people have done, newest first. `before`: a `seq`; only older entries. */
  records (
    ask: { limit: number, before?: number | undefined, action?: string | undefined }
  ): Promise<StoredAuditEntry[]> {
    return this.#engine.records(ask as Parameters<Engine['records']>[0])
  }
}
