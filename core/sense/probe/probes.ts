import { HOUR, SECOND, milliseconds } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { PROBE_EVERY } from '../../model/config/sense.ts'
import { failureOf } from '../../model/run/failure.ts'
import { look } from './look.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { ProbeAnswer } from '../../model/machine/reading.ts'
import type { ProbeSetting } from '../../model/config/sense.ts'
import type { Exec } from '../source/exec.ts'

const TIMEOUT = 5
const TTL_PERIODS = 4
const LEAST_MS = SECOND
/** Timers of Node cannot count more than 24 days. */
const MOST_MS = HOUR

interface Probe {
  setting: ProbeSetting
  /** The setting as JSON, to detect changes. */
  text: string
  everyMs: number
  timeoutMs: number
  ttlMs: number
  startedAt: number
  pending: Promise<void> | null
  stop: AbortController
  answer: ProbeAnswer | null
}

function probeOf (setting: ProbeSetting, text: string): Probe {
  const everyMs = Math.max(LEAST_MS, milliseconds(setting.every ?? PROBE_EVERY))
  const timeoutMs = Math.min(MOST_MS, Math.max(1, milliseconds(setting.timeout ?? TIMEOUT)))
  const ttlMs = setting.ttl === undefined ? everyMs * TTL_PERIODS : milliseconds(setting.ttl)
  return {
    setting,
    text,
    everyMs,
    timeoutMs,
    ttlMs,
    startedAt: -Infinity,
    pending: null,
    stop: new AbortController(),
    answer: null
  }
}

interface ProbesAsk {
  clock: Clock
  settings: () => Config['probes']
  exec: Exec
  proc: string
  platform: NodeJS.Platform
}

/** Runs the configured probes, each at its own period and with a time limit. */
export class Probes {
  readonly #ask: ProbesAsk
  readonly #probes = new Map<string, Probe>()
  #settings: Config['probes'] | null = null

  constructor (ask: ProbesAsk) {
    this.#ask = ask
  }

  /** Starts the probes that are due. */
  beat (): void {
    this.#follow()
    const at = this.#ask.clock.monotonic()
    for (const probe of this.#probes.values()) {
      if (probe.pending !== null || at - probe.startedAt < probe.everyMs) continue
      probe.startedAt = at
      probe.pending = this.#look(probe).finally(() => {
        probe.pending = null
      })
    }
  }

  /** The answers that are still valid at `now`. */
  answers (now: number): Record<string, ProbeAnswer> {
    return Object.fromEntries([...this.#probes].map(([name, { answer, ttlMs }]) => {
      if (answer === null) return [name, { busy: UNKNOWN, at: now, detail: 'not answered yet' }]
      const isFresh = Math.abs(now - answer.at) <= ttlMs
      return [name, isFresh ? answer : { ...answer, busy: UNKNOWN, detail: `too old: ${answer.detail ?? ''}` }]
    }))
  }

  /** The probes without a valid answer, with the reason. */
  silent (): { name: string, message: string, since: number }[] {
    return [...this.#probes].flatMap(([name, { answer }]) =>
      answer?.busy === UNKNOWN ? [{ name, message: answer.detail ?? '', since: answer.at }] : []
    )
  }

  /** Resolves when no probe is running. */
  async quiet (): Promise<void> {
    await Promise.all([...this.#probes.values()].map(({ pending }) => pending))
  }

  /** Aborts probes that are running; the next beat starts them again. */
  async stop (): Promise<void> {
    const pending = [...this.#probes.values()].map(probe => probe.pending)
    for (const probe of this.#probes.values()) probe.stop.abort()
    this.#probes.clear()
    this.#settings = null
    await Promise.all(pending)
  }

  /** Applies the settings. Unchanged probes keep their answers. */
  #follow (): void {
    const settings = this.#ask.settings()
    if (settings === this.#settings) return
    this.#settings = settings
    for (const [name, probe] of this.#probes) {
      if (Object.hasOwn(settings, name) && JSON.stringify(settings[name]) === probe.text) continue
      probe.stop.abort()
      this.#probes.delete(name)
    }
    for (const [name, setting] of Object.entries(settings)) {
      if (!this.#probes.has(name)) this.#probes.set(name, probeOf(setting, JSON.stringify(setting)))
    }
  }

  async #look (probe: Probe): Promise<void> {
    const { clock, exec, proc, platform } = this.#ask
    const { setting, timeoutMs, stop } = probe
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)])
    try {
      const { busy, detail } = await orAborted(
        look({ setting, timeoutMs, now: clock.now(), exec, proc, platform, signal }),
        signal
      )
      probe.answer = { busy, at: clock.now(), detail }
    } catch (error) {
      const detail = signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error)
      const last = probe.answer
      // A failure does not replace an answer that is still valid.
      const isValid = last !== null && last.busy !== UNKNOWN && clock.now() - last.at <= probe.ttlMs
      probe.answer = isValid
        ? { ...last, detail }
        : { busy: UNKNOWN, at: last?.busy === UNKNOWN ? last.at : clock.now(), detail }
    }
  }
}

/** The message with its cause, where `fetch` puts the reason of a failure. */
function reasonOf (error: unknown): string {
  const { message, cause } = failureOf(error)
  return cause === undefined ? message : `${message}: ${cause.message}`
}

function orAborted<T> (answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
