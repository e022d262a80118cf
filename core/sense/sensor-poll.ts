import { failureOf } from '../model/run/failure.ts'
import type { Clock } from '../model/base/clock.ts'
import type { PartialReading, Sensor } from './source/sensor-host.ts'

/** A fault of a sensor, since when (epoch ms). */
export interface SensorFault {
  sensor: string
  message: string
  since: number
}

/** A sample may come slightly early; the sensor should not wait for another period then. */
const EARLY = 0.9

/** One sensor and its last answer. Reads it at its own period with a time limit, and not again while it hangs. */
export class SensorPoll {
  readonly name: string
  readonly sensor: Sensor
  readonly #clock: Clock
  #part: PartialReading = {}
  #doubted = new Map<string, number>()
  #trouble: SensorFault | null = null
  #readAt = -Infinity
  #pending = false
  #bound: NodeJS.Timeout | undefined
  #gone = false

  constructor ({ name, sensor, clock }: { name: string, sensor: Sensor, clock: Clock }) {
    this.name = name
    this.sensor = sensor
    this.#clock = clock
  }

  get part (): PartialReading {
    return this.#part
  }
  get trouble (): SensorFault | null {
    return this.#trouble
  }
  /** Values that the sensor ignores as impossible, each since when. */
  get doubts (): SensorFault[] {
    const messages = this.sensor.doubts?.() ?? []
    this.#doubted = new Map(messages.map(message => [message, this.#doubted.get(message) ?? this.#clock.now()]))
    return [...this.#doubted].map(([message, since]) => ({ sensor: this.name, message, since }))
  }

  /** True when the time limit has passed without an answer. */
  get hangs (): boolean {
    return this.#pending && this.#trouble !== null
  }
  get isDue (): boolean {
    return !this.#pending && this.#clock.monotonic() - this.#readAt >= this.sensor.everyMs * EARLY
  }

  /** Reads the sensor. Resolves on an answer or after the time limit; null for a synchronous answer. Never throws. */
  read (boundMs: number): Promise<void> | null {
    this.#readAt = this.#clock.monotonic()
    try {
      const answer = this.sensor.read()
      if (typeof (answer as { then?: unknown } | null)?.then === 'function') {
        return this.#wait(answer as Promise<PartialReading>, boundMs)
      }
      this.#accept(answer as PartialReading)
    } catch (error) {
      this.refuse(failureOf(error).message)
    }
    return null
  }

  /** Makes all values of the sensor unknown, and reports the reason. */
  refuse (message: string): void {
    if (this.#gone) return
    this.#part = this.sensor.silence ?? {}
    this.#trouble = { sensor: this.name, message, since: this.#trouble?.since ?? this.#clock.now() }
  }

  /** Ignores later answers. */
  stop (): void {
    this.#gone = true
    clearTimeout(this.#bound)
    this.sensor.stop?.()
  }

  #accept (part: PartialReading): void {
    if (this.#gone) return
    if (typeof part !== 'object' || part === null) return this.refuse('the sensor returned no part of a reading')
    this.#part = part
    this.#trouble = null
  }

  #wait (answer: Promise<PartialReading>, boundMs: number): Promise<void> {
    this.#pending = true
    return new Promise(resolve => {
      this.#bound = setTimeout(() => {
        this.refuse(`no answer within ${boundMs} ms`)
        resolve()
      }, boundMs)
      const settle = () => {
        this.#pending = false
        clearTimeout(this.#bound)
        resolve()
      }
      Promise.resolve(answer)
        .then(part => this.#accept(part), (error: unknown) => this.refuse(failureOf(error).message))
        .then(settle, settle)
    })
  }
}
