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
/** How long an expired signal is still shown as the reason of a wait. */
const REMEMBERED = DAY
const FILE = 'signals.json'
const MODE = 0o600

const TYPES: Record<SignalType, string> = { number: 'number', text: 'string', flag: 'boolean' }

const isValue = (value: unknown): value is Signal['value'] =>
  typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)) ||
  (typeof value === 'string' && value.length <= MOST_TEXT)

const isSignal = (value: unknown): value is Signal => {
  const { value: stored, at, expires_at: until } = (value ?? {}) as Partial<Signal>
  return isValue(stored) && Number.isFinite(at) && Number.isFinite(until)
}

interface SignalsAsk {
  folder: string
  clock: Clock
  declared: () => Config['signals']
}

const fault = (pointer: string, message: string) => signalInvalid({ pointer, message })

interface SignalAsk {
  name: string
  value: unknown
  forMs: number
  type: keyof typeof TYPES | undefined
}

/** The value, checked; throws OFFPEAK_SIGNAL_INVALID for a wrong name, value or duration. */
function checkSignal ({ name, value, forMs, type }: SignalAsk): Signal['value'] {
  if (!validId(name)) {
    throw fault('/name', `${foundWords(name)} is not a valid name of a signal: use a to z, 0 to 9, '.', '_' and '-', ` +
      'at most 64 characters')
  }
  if (!isValue(value)) {
    throw fault('/value', `found ${foundWords(value)}, expected a finite number, true, false or a text of at most ` +
      `${MOST_TEXT} characters`)
  }
  if (type && typeof value !== TYPES[type]) {
    throw fault('/value', `found ${foundWords(value)}, expected a ${type}, because of signals.${name}`)
  }
  if (!(forMs > 0 && forMs <= LONGEST)) {
    throw fault('/ttl', `found ${foundWords(forMs)} ms, expected more than 0 and at most a year`)
  }
  return value
}

/** Values that other programs send, each with an expiry. Stored in `signals.json` of the data folder. */
export class Signals {
  readonly #ask: SignalsAsk
  readonly #all = new Map<string, Signal>()
  /** The expired signals, with the monotonic time at which this was noticed. */
  readonly #over = new Map<string, number>()
  #saving: Promise<void> | null = null
  #again = false
  /** The error of the last write, or null. */
  fault: string | null = null

  constructor (ask: SignalsAsk) {
    this.#ask = ask
  }

  /** Loads the stored values, and ignores invalid ones. Values that were set meanwhile stay. */
  async load (): Promise<void> {
    const text = await readFile(join(this.#ask.folder, FILE), 'utf8').catch(() => '{}')
    try {
      const kept = Object.entries(JSON.parse(text) as Record<string, unknown>)
      for (const [name, signal] of kept) {
        if (validId(name) && isSignal(signal) && !this.#all.has(name)) this.#all.set(name, signal)
      }
    } catch {}
  }

  /** Sets a value for `ttlMs`; default: the `ttl` of the configuration. Throws OFFPEAK_SIGNAL_INVALID. */
  set (name: string, value: unknown, ttlMs?: number): Signal {
    const { clock, declared } = this.#ask
    const setting = Object.hasOwn(declared(), name) ? declared()[name]! : {}
    const forMs = ttlMs ?? milliseconds(setting.ttl ?? HOUR / 1000)
    const now = clock.now()
    const checked = checkSignal({ name, value, forMs, type: setting.type })
    if (!this.#all.has(name) && this.#all.size >= MOST_SIGNALS) this.#forget(now)
    if (!this.#all.has(name) && this.#all.size >= MOST_SIGNALS) {
      throw signalInvalid({ message: `There are already ${MOST_SIGNALS} signals` })
    }
    const signal = { value: checked, at: now, expires_at: now + forMs }
    this.#all.set(name, signal)
    this.#save()
    return signal
  }

  /** Removes a value. Returns false when there was none, or it had expired. */
  drop (name: string): boolean {
    const counted = (this.#all.get(name)?.expires_at ?? -Infinity) > this.#ask.clock.now()
    if (this.#all.delete(name)) this.#save()
    return counted
  }

  /** The values at `now`, including those that expired less than a day ago. */
  known (now: number): Record<string, Signal> {
    this.#bringBack(now)
    this.#forgetOld(now)
    return Object.fromEntries(this.#all)
  }

  /** Resolves when all changes have been written. */
  async saved (): Promise<void> {
    while (this.#saving) await this.#saving
  }

  /** Resolves when all changes are durable. Throws OFFPEAK_ENGINE_FAILED when they could not be written. */
  async stored (): Promise<void> {
    await this.saved()
    if (this.fault !== null) {
      throw engineFailed({
        message: `Signals cannot be stored: ${this.fault}`,
        fix: 'They are valid until this process ends. Check the disk of the data folder.'
      })
    }
  }

  /** Values that were set while the clock was wrong are valid from now, for their whole duration. */
  #bringBack (now: number): void {
    for (const [name, signal] of this.#all) {
      const moved = movedBy(signal.at, now)
      if (moved !== 0) this.#all.set(name, { ...signal, at: now, expires_at: signal.expires_at + moved })
    }
  }

  /** Removes values that have been expired for a day of monotonic time, so that a wrong clock cannot remove any. */
  #forgetOld (now: number): void {
    const counted = this.#ask.clock.monotonic()
    for (const [name, { expires_at: until }] of this.#all) {
      if (until > now) this.#over.delete(name)
      else if (!this.#over.has(name)) this.#over.set(name, counted)
      else if (counted - this.#over.get(name)! >= REMEMBERED) this.#all.delete(name)
    }
    for (const name of this.#over.keys()) if (!this.#all.has(name)) this.#over.delete(name)
  }

  /** Removes the values that have expired. */
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

/** Syncs a file or folder. Errors are ignored, because not every file system can sync folders. */
async function sync (path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => null)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
