import { failureOf } from '../../model/run/failure.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Activity } from '../plan/activity.ts'
import type { Listener } from '../../model/notice.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Reading } from '../../model/machine/reading.ts'

interface SamplerOptions {
  clock: Clock
  senses: { readonly latest: Reading, sample(): Promise<Reading> }
  conditions: LiveConditions
  activity: Pick<Activity, 'learn' | 'saveWhenDue'>
  notice: Listener
}

/** Applies readings of the machine. */
export class Sampler {
  readonly #options: SamplerOptions

  constructor (options: SamplerOptions) {
    this.#options = options
  }

  /** Applies the last reading. */
  take (): void {
    const { clock, conditions, senses } = this.#options
    conditions.take(senses.latest, clock.now())
  }

  /** Takes and applies a reading. Runs whose gates it opens start at once. */
  async sample (): Promise<void> {
    const { clock, conditions, activity, notice, senses } = this.#options
    const reading = await senses.sample()
    conditions.take(reading, clock.now())
    notice({ kind: 'sampled', reading })
    try {
      activity.learn(reading)
      await activity.saveWhenDue()
    } catch (error) {
      notice({ kind: 'beat_failed', beat: 'learn', error: failureOf(error) })
    }
  }
}
