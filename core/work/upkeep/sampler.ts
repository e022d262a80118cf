import { failureOf } from '../../model/run/failure.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Foresight } from '../plan/forecaster.ts'
import type { Listener } from '../../model/notice.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Reading } from '../../model/machine/reading.ts'

interface SamplerOptions {
  clock: Clock
  senses: { readonly latest: Reading, sample(): Promise<Reading> }
  conditions: LiveConditions
  foresight: Pick<Foresight, 'learn' | 'saveWhenDue'>
  notice: Listener
}

/** Puts readings of the machine in force. */
export class Sampler {
  readonly #options: SamplerOptions

  constructor (options: SamplerOptions) {
    this.#options = options
  }

  /** Puts the reading in force that was taken last. */
  take (): void {
    const { clock, conditions, senses } = this.#options
    conditions.take(senses.latest, clock.now())
  }

  /** Takes a reading; what it opens starts at once. */
  async sample (): Promise<void> {
    const { clock, conditions, foresight, notice, senses } = this.#options
    const reading = await senses.sample()
    conditions.take(reading, clock.now())
    notice({ kind: 'sampled', reading })
    try {
      foresight.learn(reading)
      await foresight.saveWhenDue()
    } catch (error) {
      notice({ kind: 'beat_failed', beat: 'learn', error: failureOf(error) })
    }
  }
}
