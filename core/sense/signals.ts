import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY, HOUR, milliseconds } from '../model/base/duration.ts'
import { movedBy } from '../model/base/clock.ts'
import { failureOf } from '../model/run/failure.ts'
import { foundWords } from '../model/base/check.ts'
import { engineFailed } from '../model/errors/engine-errors.ts'
import { signalInvalid } from '../model/errors/input-errors.ts'
import { validId } from '../model/task/task.ts'
import type { Clock } from '../model/base/clock.ts'
import type { Config } from '../model/config/config.ts'
import type { Signal } from '../model/machine/reading.ts'
import type { SignalType } from '../model/config/sense.ts'

const MOST_SIGNALS = 200
const MOST_TEXT = 200
const LONGEST = 366 * 24 * HOUR
/** One that has expired is named by those who wait for it for so long. */
const REMEMBERED = DAY
const FILE = 'signals.json'
const MODE = 0o600

const TYPES: Record<SignalType, string> = { number: 'number', text: 'string', flag: 'boolean' }

const isValue = (value: unknown): value is Signal['value'] =>
  typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'string' && value.length <= MOST_TEXT)

const isSignal = (value: unknown): value is Signal => {
  const { value: told, at, expires_at: until } = (value ?? {}) as Partial<Signal>
  return isValue(told) && Number.isFinite(at) && Number.isFinite(until)
}

interface SignalsAsk {
  folder: string
  clock: Clock
  declared: () => Config['signals']
}

/** Values from outside, each with an expiry. They are stored in `signals.json` of the data folder and survive a
 *  restart. */
export class Signals {
  readonly #ask: SignalsAsk
  readonly #all = new Map<string, Signal>()
  /** Since when each of those that have expired has, in counted time. */
  readonly #over = new Map<string, number>()
  #saving: Promise<void> | null = null
  #again = false
  /** Why the last save failed, null when it did not. */
  fault: string | null = null

  constructor (ask: SignalsAsk) {
    this.#ask = ask
  }

  /** Reads the stored values; ignores those that cannot be read. Values set since stay. */
  async load (): Promise<void> {
    const text = await readFile(join(this.#ask.folder, FILE), 'utf8').catch(() => '{}')
    try {
      const kept = Object.entries(JSON.parse(text) as Record<string, unknown>)
      for (const [name, signal] of kept) {
        if (validId(name) && isSignal(signal) && !this.#all.has(name)) this.#all.set(name, signal)
      }
    } catch {}
  }

  /** Sets a value for `ttlMs`, or for as long as the configuration says. Throws OFFPEAK_SIGNAL_INVALID. */
  set (name: string, value: unknown, ttlMs?: number): Signal {
    const { clock, declared } = this.#ask
    const setting = Object.hasOwn(declared(), name) ? declared()[name]! : {}
    const forMs = ttlMs ?? milliseconds(setting.ttl ?? HOUR / 1000)
    const now = clock.now()
    if (!validId(name)) {
      throw signalInvalid({
        pointer: '/name',
        message: `${foundWords(name)} is not a name of a signal: a to z, 0 to 9, '.', '_' and '-', at most 64`
      })
    }
    if (!isValue(value)) {
      throw signalInvalid({
        pointer: '/value',
        message: `found ${
          foundWords(value)
        }, expected a finite number, true, false or a text of at most ${MOST_TEXT} characters`
      })
    }
    if (setting.type && typeof value !== TYPES[setting.type]) {
      throw signalInvalid({
        pointer: '/value',
        message: `found ${foundWords(value)}, expected a ${setting.type}, as signals.${name} says`
      })
    }
    if (!(forMs > 0 && forMs <= LONGEST)) {
      throw signalInvalid({
        pointer: '/ttl',
        message: `found ${foundWords(forMs)} ms, expected more than nothing and at most a year`
      })
    }
    if (!this.#all.has(name) && this.#all.size >= MOST_SIGNALS) this.#forget(now)
    if (!this.#all.has(name) && this.#all.size >= MOST_SIGNALS) {
      throw signalInvalid({ message: `There are already ${MOST_SIGNALS} signals` })
    }
    const signal = { value, at: now, expires_at: now + forMs }
    this.#all.set(name, signal)
    this.#save()
    return signal
  }

  /** Forgets a value; false when there was none, or one that has expired. */
  drop (name: string): boolean {
    const counted = (this.#all.get(name)?.expires_at ?? -Infinity) > this.#ask.clock.now()
    if (this.#all.delete(name)) this.#save()
    return counted
  }

  /** The values that count at `now`, and those that have been over for less than a day. */
  known (now: number): Record<string, Signal> {
    this.#bringBack(now)
    this.#forgetOld(now)
    return Object.fromEntries(this.#all)
  }

  /** Resolves when everything that was set has been written. */
  async saved (): Promise<void> {
    while (this.#saving) await this.#saving
  }

  /** Resolves when everything that was set or dropped is durable. Throws OFFPEAK_ENGINE_FAILED when it could not be
   *  written. */
  async stored (): Promise<void> {
    await this.saved()
    if (this.fault !== null) {
      throw engineFailed({
        message: `Signals cannot be stored: ${this.fault}`,
        fix: 'They count until this process ends. Look at the disk of the data folder.'
      })
    }
  }

  /** What was set by a clock that was wrong counts from now, for as long as it was to count. */
  #bringBack (now: number): void {
    for (const [name, signal] of this.#all) {
      const moved = movedBy(signal.at, now)
      if (moved !== 0) this.#all.set(name, { ...signal, at: now, expires_at: signal.expires_at + moved })
    }
  }

  /** Forgets what has been seen to be over for a day of counted time: a clock that is wrong for a minute ends nothing
   *  for good. */
  #forgetOld (now: number): void {
    const counted = this.#ask.clock.monotonic()
    for (const [name, { expires_at: until }] of this.#all) {
      if (until > now) this.#over.delete(name)
      else if (!this.#over.has(name)) this.#over.set(name, counted)
      else if (counted - this.#over.get(name)! >= REMEMBERED) this.#all.delete(name)
    }
    for (const name of this.#over.keys()) if (!this.#all.has(name)) this.#over.delete(name)
  }

  /** Forgets what had expired by then. */
  #forget (by: number): void {
    for (const [name, { expires_at: until }] of this.#all) if (until <= by) this.#all.delete(name)
  }

  #save (): void {
    this.#again = true
    this.#saving ??= this.#write().finally(() => {
      this.#saving = null
    })
  }

  async #write (): Promise<void> {
    const file = join(this.#ask.folder, FILE)
    while (this.#again) {
      this.#again = false
      try {
        await mkdir(this.#ask.folder, { recursive: true, mode: 0o700 })
        await write(`${file}.tmp`, `${JSON.stringify(Object.fromEntries(this.#all))}\n`)
        await rename(`${file}.tmp`, file)
        for (const path of [file, this.#ask.folder]) await sync(path)
        this.fault = null
      } catch (error) {
        this.fault = failureOf(error).message
      }
    }
  }
}

async function write (file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', MODE)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the new name of a file durable: by the folder, or where folders are not synced by the file. */
async function sync (path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => null)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
