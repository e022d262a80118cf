import { milliseconds } from '../../model/base/duration.ts'
import { standstillOf } from '../../model/view/standstill.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener, Notice } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'
import type { Standstill } from '../../model/view/standstill.ts'
import type { Verdict, Waiting } from '../../model/conditions/gate.ts'

interface StandstillOptions {
  engine: Pick<Engine, 'due'>
  clock: Clock
  notice: Listener
  config: () => Config
  verdict: (run: Waiting) => Verdict
}

/** Detects that no run has started for scheduling.nothing_started although runs are due, and reports it once. */
export class StandstillWatch {
  readonly #options: StandstillOptions
  /** When a run last started, or this process did, epoch ms. */
  #startedAt: number
  #found: Standstill | null = null

  constructor (options: StandstillOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
  }

  /** The standstill that the last look found, or null. */
  get found (): Standstill | null {
    return this.#found
  }

  readonly receive = ({ kind }: Notice): void => {
    if (kind !== 'claimed' && kind !== 'started') return
    this.#startedAt = this.#options.clock.now()
    this.#found = null
  }

  /** Checks for a standstill. Does not call the engine while runs start. */
  async look (): Promise<void> {
    const { clock, notice, config, verdict } = this.#options
    const now = clock.now()
    const spanMs = milliseconds(config().scheduling.nothing_started)
    // After the clock was set back, the span is counted from now.
    this.#startedAt = Math.min(this.#startedAt, now)
    const startedAt = this.#startedAt
    const isLong = spanMs > 0 && now - startedAt >= spanMs
    const firsts = isLong ? await this.#due(now) : []
    const due = firsts.map(run => ({ run, verdict: verdict(run) }))
    if (this.#startedAt !== startedAt) return
    const before = this.#found
    this.#found = standstillOf({ due, now, startedAt, spanMs })
    if (this.#found !== null && before === null) notice({ kind: 'nothing_started', ...this.#found })
  }

  /** The due runs that are judged individually or for their cohorts. */
  async #due (now: number): Promise<Run[]> {
    const { cohorts, singles } = await this.#options.engine.due({ now, owner: '' })
    return [...cohorts.map(({ first }) => first), ...singles]
  }
}
