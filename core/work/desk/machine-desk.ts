import { machineView } from '../../model/view/machine-view.ts'
import { signalInvalid } from '../../model/errors/input-errors.ts'
import { validId } from '../../model/task/task.ts'
import { signalNotFound } from '../../model/errors/request-errors.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { HistoryAsk, Point } from '../../model/machine/history.ts'
import type { MachineView } from '../../model/view/machine-view.ts'
import type { Senses } from '../../sense/senses.ts'
import type { Signal } from '../../model/machine/reading.ts'
import type { LiveConditions } from '../conditions/conditions.ts'

interface MachineDeskOptions {
  engine: Engine
  clock: Clock
  conditions: LiveConditions
  senses: Partial<Pick<Senses, 'stored'>> & Pick<Senses, 'latest' | 'troubles' | 'setSignal' | 'dropSignal' | 'query'>
}

/** The value of a signal. `ttlMs`: how long it is valid; optional for a signal that the configuration declares. */
export interface SignalAsk {
  value: Signal['value']
  ttlMs?: number | undefined
  by: string
}

/** Reads the state of the machine, and sets and removes signals. */
export class MachineDesk {
  readonly #options: MachineDeskOptions
  /** The last setter of each signal, by name. */
  readonly #setBy = new Map<string, string>()

  constructor (options: MachineDeskOptions) {
    this.#options = options
  }

  /** The latest reading and what is derived from it, in the form of the REST API. */
  now (): MachineView {
    const { conditions, senses, clock } = this.#options
    return machineView({ ...conditions.current, troubles: senses.troubles(), now: clock.now() })
  }

  /** The readings of a span, downsampled, oldest first. */
  readings (ask: HistoryAsk): Point[] {
    return this.#options.senses.query(ask)
  }

  /** The signals that have not expired, by name. */
  signals (): Record<string, Signal> {
    const { senses, clock } = this.#options
    const now = clock.now()
    return Object.fromEntries(Object.entries(senses.latest.signals).filter(([, { expires_at: end }]) => end > now))
  }

  /** Sets a signal; resolves when it is durable. The audit log gets an entry only when the setter changes, so that a
   *  price that is sent every minute is recorded once. Throws OFFPEAK_SIGNAL_INVALID. */
  async setSignal (name: string, { value, ttlMs, by }: SignalAsk): Promise<Signal> {
    const { conditions, senses } = this.#options
    const isDeclared = Object.hasOwn(conditions.current.config.signals, name)
    if (ttlMs === undefined && !isDeclared && validId(name)) {
      throw signalInvalid({
        pointer: '/ttl',
        message:
          `'ttl' is missing: state how long the value is valid, such as "1h", or declare signals.${name} in config.json`
      })
    }
    const signal = senses.setSignal(name, value, ttlMs)
    const isOther = this.#setBy.get(name) !== by
    this.#setBy.set(name, by)
    await this.#changed()
    if (isOther) await this.#record(name, by, 'signal')
    // The setter of a signal that has expired is forgotten with it.
    for (const known of this.#setBy.keys()) if (!Object.hasOwn(senses.latest.signals, known)) this.#setBy.delete(known)
    return signal
  }

  /** Removes a signal, and records that. Throws OFFPEAK_SIGNAL_NOT_FOUND. */
  async dropSignal (name: string, { by }: { by: string }): Promise<void> {
    if (!this.#options.senses.dropSignal(name)) throw signalNotFound(name)
    await this.#changed()
    this.#setBy.delete(name)
    await this.#record(name, by, 'signal_dropped')
  }

  /** Applies the change at once, not with the next sample. */
  async #changed (): Promise<void> {
    const { conditions, senses, clock } = this.#options
    conditions.signal(senses.latest.signals, clock.now())
    await senses.stored?.()
  }

  #record (subject: string, by: string, action: string): Promise<void> {
    const { engine, clock } = this.#options
    return engine.record({ at: clock.now(), by, action, subject, detail: null })
  }
}
