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
  /** The data folder: stores signals and history; the space on its file system is measured. */
  folder: string
  /** Folders of the system that sensors read; other folders in tests. */
  roots?: Partial<Roots>
  exec?: Exec
  platform?: NodeJS.Platform
  /** How long one sensor may take; sense.timeout when absent. */
  boundMs?: number
  /** How long a sample waits for sensors that have not answered at once. */
  patienceMs?: number
}

const PATIENCE = SECOND / 4
/** Timers of the process cannot count days. */
const MOST_BOUND = HOUR
/** File work of the process has four threads: no more than these may be lost to sensors that hang. */
const MOST_HANGING = 2

/** Samples the machine with its sensors and keeps their answers. Its only timers are the time limits of sensors. */
export class Senses implements Service {
  readonly #ask: SensesAsk
  readonly #ground: SensorHost
  readonly #exec: Exec
  readonly #platform: NodeJS.Platform
  readonly #signals: Signals
  readonly #probes: Probes
  readonly #history: History
  readonly #own = new Map<string, Sensor>()
  #askings = new Map<string, SensorPoll>()
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
    this.#ground = { files: new Files(), roots, clock }
    this.#signals = new Signals({ folder, clock, declared: () => config().signals })
    this.#probes = new Probes({ clock, exec, platform, proc: roots.proc, settings: () => config().probes })
    this.#history = new History({ folder })
    this.#latest = unknownReading(clock.now())
  }

  /** The last sample; everything unknown before the first. */
  get latest (): Reading {
    return this.#latest
  }

  /** Reads signals and history of the data folder and takes a first sample, from which the rates count. */
  start (): Promise<void> {
    return this.#life.start()
  }

  /** Also ends what samples without a start have begun. */
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
    for (const asking of this.#askings.values()) asking.stop()
    this.#askings.clear()
    this.#sense = null
    await Promise.all([this.#probes.stop(), this.#history.stop(), this.#signals.saved(), this.#ground.files.close()])
  }

  /** Reads every sensor that is due and returns the whole reading. Concurrent calls share one sample. Never rejects. */
  sample (): Promise<Reading> {
    this.#sampling ??= this.#sample().finally(() => {
      this.#sampling = null
    })
    return this.#sampling
  }

  /** Sensors, probes and files that fail or do not answer, values that are left out, and since when (epoch ms). */
  troubles (): SensorFault[] {
    const own = [...this.#askings.values()].flatMap(({ trouble, doubts }) => [...trouble ? [trouble] : [], ...doubts])
    const probes = this.#probes.silent().map(({ name, ...rest }) => ({ sensor: `probe ${name}`, ...rest }))
    const files = [['signals', this.#signals.fault], ['history', this.#history.fault]] as const
    const kept = files.flatMap(([sensor, message]) =>
      message === null ? [] : [{ sensor, message, since: this.#latest.at }]
    )
    return [...own, ...probes, ...kept]
  }

  /** Adds a sensor, or puts it in the place of one of the same name: power, cpu, pressure, memory, io, network,
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

  /** Sets a custom signal for `ttlMs`, or as long as the configuration says. Throws OFFPEAK_SIGNAL_INVALID. */
  setSignal (name: string, value: unknown, ttlMs?: number): Signal {
    const signal = this.#signals.set(name, value, ttlMs)
    // What waits for it need not wait for the next sample.
    this.#latest = { ...this.#latest, signals: this.#signals.known(this.#ask.clock.now()) }
    return signal
  }

  /** Forgets a signal; false when there was none. */
  dropSignal (name: string): boolean {
    const had = this.#signals.drop(name)
    this.#latest = { ...this.#latest, signals: this.#signals.known(this.#ask.clock.now()) }
    return had
  }

  /** Resolves when every signal that was set or dropped is durable. Throws OFFPEAK_ENGINE_FAILED when one cannot be
   *  made so. */
  async stored (): Promise<void> {
    await this.#signals.stored()
  }

  /** Resolves when signals that were set and looks that were started are done. */
  async settled (): Promise<void> {
    await Promise.all([this.#signals.saved(), this.#probes.quiet()])
  }

  /** The readings of a span, thinned, oldest first. */
  query (ask: HistoryAsk): Point[] {
    return this.#history.query(ask)
  }

  async #sample (): Promise<Reading> {
    const { clock, config, boundMs, patienceMs = PATIENCE } = this.#ask
    const { sense } = config()
    if (sense !== this.#sense) this.#arrange()
    this.#probes.beat()
    const bound = boundMs ?? Math.min(MOST_BOUND, Math.max(1, milliseconds(sense.timeout)))
    await shortly(this.#askAll(bound), Math.min(patienceMs, bound + 1))
    const at = clock.now()
    const parts = [...this.#askings.values()].map(({ part }) => part)
    this.#latest = { ...assemble(at, parts), signals: this.#signals.known(at), probes: this.#probes.answers(at) }
    this.#history.add(this.#latest)
    return this.#latest
  }

  #askAll (boundMs: number): Promise<void>[] {
    const askings = [...this.#askings.values()]
    const waiting: Promise<void>[] = []
    for (const asking of askings.filter(({ isDue }) => isDue)) {
      const hanging = asking.sensor.threaded ? askings.filter(other => other.sensor.threaded && other.hangs).length : 0
      if (hanging >= MOST_HANGING) asking.refuse(`not asked: ${hanging} other sensors hang`)
      const answer = hanging >= MOST_HANGING ? null : asking.ask(boundMs)
      if (answer) waiting.push(answer)
    }
    return waiting
  }

  /** Sensors of the system, of the configuration and of plugins, in this order; one that is the same keeps its
   *  answer. */
  #arrange (): void {
    const { clock, config, folder } = this.#ask
    const { sense } = config()
    const fresh = { ground: this.#ground, exec: this.#exec, platform: this.#platform }
    const known = [...this.#askings.values()]
    const fixed = this.#fixed ??= fixedSensors({
      ...fresh,
      idleEveryMs: () => milliseconds(config().scheduling.idle_check_interval)
    })
    if (this.#sense === null || sense !== this.#sense) this.#chosen = chosenSensors({ ...fresh, folder, sense })
    this.#sense = sense
    const wanted = new Map([...fixed, ...this.#chosen, ...this.#own])
    this.#askings = new Map(
      [...wanted].map((
        [name, sensor]
      ) => [name, known.find(asking => asking.name === name && asking.sensor === sensor) ??
        new SensorPoll({ name, sensor, clock })]
      )
    )
    for (const asking of known) if (this.#askings.get(asking.name) !== asking) asking.stop()
  }
}

/** Waits for all of them, but no longer than `ms`. */
async function shortly (waiting: readonly Promise<void>[], ms: number): Promise<void> {
  if (waiting.length === 0) return
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([Promise.all(waiting), late])
  clearTimeout(timer)
}
