import { mkdir } from 'node:fs/promises'
import { HOUR, SECOND, milliseconds } from '../model/base/duration.ts'
import { unknownReading } from '../model/machine/reading.ts'
import { SensorPoll } from './sensor-poll.ts'
import { Files } from './source/files.ts'
import { History } from './history.ts'
import { Probes } from './probe/probes.ts'
import { ROOTS, assemble } from './source/sensor-host.ts'
import { Signals } from './signals.ts'
import { chosenSensors, fixedSensors } from './sensors.ts'
import { exec as machineExec } from './source/exec.ts'
import type { Clock } from '../model/base/clock.ts'
import type { Config } from '../model/config/config.ts'
import type { HistoryAsk, Point } from '../model/machine/history.ts'
import type { Reading, Signal } from '../model/machine/reading.ts'
import { Lifecycle } from '../model/base/service.ts'
import type { Service } from '../model/base/service.ts'
import type { Exec } from './source/exec.ts'
import type { SensorHost, Roots, Sensor } from './source/sensor-host.ts'
import type { SensorFault } from './sensor-poll.ts'

export interface SensesAsk {
  clock: Clock
  config: () => Config
  /** The data folder, for signals and history. The free space of its file system is measured. */
  folder: string
  /** Replaces folders of the system, for tests. */
  roots?: Partial<Roots>
  exec?: Exec
  platform?: NodeJS.Platform
  /** The time limit of one sensor. Default: `sense.timeout`. */
  boundMs?: number
  /** How long a sample waits for slow sensors. */
  patienceMs?: number
}

const PATIENCE = SECOND / 4
/** Timers of Node cannot count more than 24 days. */
const MOST_BOUND = HOUR
/** File operations share a few threads; at most this many may be blocked by sensors that hang. */
const MOST_HANGING = 2

/** Samples the machine with its sensors, and keeps the latest reading. Its only timers are the time limits of
 *  sensors. */
export class Senses implements Service {
  readonly #ask: SensesAsk
  readonly #host: SensorHost
  readonly #exec: Exec
  readonly #platform: NodeJS.Platform
  readonly #signals: Signals
  readonly #probes: Probes
  readonly #history: History
  readonly #own = new Map<string, Sensor>()
  #polls = new Map<string, SensorPoll>()
  #fixed: Map<string, Sensor> | null = null
  #chosen = new Map<string, Sensor>()
  #sense: Config['sense'] | null = null
  #latest: Reading
  #sampling: Promise<Reading> | null = null
  #loaded = false
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor (ask: SensesAsk) {
    const { clock, config, folder } = this.#ask = ask
    const roots = { ...ROOTS, ...ask.roots }
    const exec = this.#exec = ask.exec ?? machineExec
    const platform = this.#platform = ask.platform ?? process.platform
    this.#host = { files: new Files(), roots, clock }
    this.#signals = new Signals({ folder, clock, declared: () => config().signals })
    this.#probes = new Probes({ clock, exec, platform, proc: roots.proc, settings: () => config().probes })
    this.#history = new History({ folder })
    this.#latest = unknownReading(clock.now())
  }

  /** The last sample. Before the first, every value is unknown. */
  get latest (): Reading {
    return this.#latest
  }

  /** Loads signals and history from the data folder, and takes a first sample as the base of rates. */
  start (): Promise<void> {
    return this.#life.start()
  }

  /** Stops polls and probes, also those of samples taken without a start. */
  stop (): Promise<void> {
    return this.#life.state === 'stopped' ? this.#stop() : this.#life.stop()
  }

  async #start (): Promise<void> {
    const { folder, clock } = this.#ask
    if (!this.#loaded) {
      this.#loaded = true
      await mkdir(folder, { recursive: true, mode: 0o700 }).catch(() => undefined)
      await Promise.all([this.#signals.load(), this.#history.load(clock.now())])
    }
    await this.sample()
  }

  async #stop (): Promise<void> {
    await this.#sampling
    for (const poll of this.#polls.values()) poll.stop()
    this.#polls.clear()
    this.#sense = null
    await Promise.all([this.#probes.stop(), this.#history.stop(), this.#signals.saved(), this.#host.files.close()])
  }

  /** Reads every sensor that is due and returns the whole reading. Concurrent calls share one sample. Never rejects. */
  sample (): Promise<Reading> {
    this.#sampling ??= this.#sample().finally(() => {
      this.#sampling = null
    })
    return this.#sampling
  }

  /** Sensors, probes and files that fail or do not respond, and values that are ignored, each since when (epoch ms). */
  troubles (): SensorFault[] {
    const own = [...this.#polls.values()].flatMap(({ trouble, doubts }) => [...trouble ? [trouble] : [], ...doubts])
    const probes = this.#probes.silent().map(({ name, ...rest }) => ({ sensor: `probe ${name}`, ...rest }))
    const files = [['signals', this.#signals.fault], ['history', this.#history.fault]] as const
    const kept = files.flatMap(([sensor, message]) =>
      message === null ? [] : [{ sensor, message, since: this.#latest.at }]
    )
    return [...own, ...probes, ...kept]
  }

  /** Adds a sensor, or replaces the one with the same name: power, cpu, pressure, memory, io, network,
   *  connection, temperature, idle, loop, ups. Its answer overrides those of earlier sensors. Returns a function that
   *  removes it. */
  register (name: string, sensor: Sensor): () => void {
    this.#own.set(name, sensor)
    this.#arrange()
    return () => {
      if (this.#own.get(name) !== sensor) return
      this.#own.delete(name)
      this.#arrange()
    }
  }

  /** Sets a signal for `ttlMs`; default: the `ttl` of the configuration. Throws OFFPEAK_SIGNAL_INVALID. */
  setSignal (name: string, value: unknown, ttlMs?: number): Signal {
    const signal = this.#signals.set(name, value, ttlMs)
    // Runs that wait for the signal do not wait for the next sample.
    this.#latest = { ...this.#latest, signals: this.#signals.known(this.#ask.clock.now()) }
    return signal
  }

  /** Removes a signal. Returns false when there was none. */
  dropSignal (name: string): boolean {
    const had = this.#signals.drop(name)
    this.#latest = { ...this.#latest, signals: this.#signals.known(this.#ask.clock.now()) }
    return had
  }

  /** Resolves when all changes of signals are durable. Throws OFFPEAK_ENGINE_FAILED when they cannot be stored. */
  async stored (): Promise<void> {
    await this.#signals.stored()
  }

  /** Resolves when all signals are written and no probe is running. */
  async settled (): Promise<void> {
    await Promise.all([this.#signals.saved(), this.#probes.quiet()])
  }

  /** The downsampled readings of a period, oldest first. */
  query (ask: HistoryAsk): Point[] {
    return this.#history.query(ask)
  }

  async #sample (): Promise<Reading> {
    const { clock, config, boundMs, patienceMs = PATIENCE } = this.#ask
    const { sense } = config()
    if (sense !== this.#sense) this.#arrange()
    this.#probes.beat()
    const bound = boundMs ?? Math.min(MOST_BOUND, Math.max(1, milliseconds(sense.timeout)))
    await shortly(this.#pollAll(bound), Math.min(patienceMs, bound + 1))
    const at = clock.now()
    const parts = [...this.#polls.values()].map(({ part }) => part)
    this.#latest = { ...assemble(at, parts), signals: this.#signals.known(at), probes: this.#probes.answers(at) }
    this.#history.add(this.#latest)
    return this.#latest
  }

  #pollAll (boundMs: number): Promise<void>[] {
    const polls = [...this.#polls.values()]
    const waiting: Promise<void>[] = []
    for (const poll of polls.filter(({ isDue }) => isDue)) {
      const hanging = poll.sensor.threaded ? polls.filter(other => other.sensor.threaded && other.hangs).length : 0
      if (hanging >= MOST_HANGING) poll.refuse(`not read: ${hanging} other sensors hang`)
      const answer = hanging >= MOST_HANGING ? null : poll.read(boundMs)
      if (answer) waiting.push(answer)
    }
    return waiting
  }

  /** Orders the sensors: of the system, of the configuration, of plugins. Unchanged sensors keep their answers. */
  #arrange (): void {
    const { clock, config, folder } = this.#ask
    const { sense } = config()
    const fresh = { host: this.#host, exec: this.#exec, platform: this.#platform }
    const known = [...this.#polls.values()]
    const fixed = this.#fixed ??= fixedSensors({
      ...fresh,
      idleEveryMs: () => milliseconds(config().scheduling.idle_check_interval)
    })
    if (this.#sense === null || sense !== this.#sense) this.#chosen = chosenSensors({ ...fresh, folder, sense })
    this.#sense = sense
    const wanted = new Map([...fixed, ...this.#chosen, ...this.#own])
    this.#polls = new Map(
      [...wanted].map((
        [name, sensor]
      ) => [name, known.find(poll => poll.name === name && poll.sensor === sensor) ??
        new SensorPoll({ name, sensor, clock })]
      )
    )
    for (const poll of known) if (this.#polls.get(poll.name) !== poll) poll.stop()
  }
}

/** Waits for all promises, but at most `ms`. */
async function shortly (waiting: readonly Promise<void>[], ms: number): Promise<void> {
  if (waiting.length === 0) return
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([Promise.all(waiting), late])
  clearTimeout(timer)
}
