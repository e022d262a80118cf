import { after } from '../../model/base/clock.ts'
import { logParts } from '../../model/run/log-part.ts'
import { messageOf, nameOf, numberOf } from '../../model/run/progress-words.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Down, Moved, Port, Up } from './wire.ts'
import type { TaskLog, TaskProgress } from '../../model/task/context.ts'

/** The least time between two reports of progress, ms. */
const EVERY = 100
/** The first lines of a log are sent at once, and the last ones at the end. The manager keeps no others. */
const HEAD = 2000
const TAIL = 499
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

const named = (key: 'unit', value: unknown): { unit?: string } => {
  const name = nameOf(value)
  return name === undefined ? {} : { [key]: name }
}

type Line = Extract<Up, { say: 'log' }>

/** Sends the log and progress of a task to the manager, at a limited rate and size. */
export class Reporter {
  readonly #port: Port<Up, Down>
  readonly #clock: Clock
  readonly log: TaskLog
  readonly progress: TaskProgress
  #lines = 0
  #tail: Line[] = []
  #moved: Moved | null = null
  #current = 0
  #sentAt = -Infinity
  #cancel: (() => void) | null = null

  constructor (port: Port<Up, Down>, clock: Clock) {
    this.#port = port
    this.#clock = clock
    this.log = Object.fromEntries(
      LEVELS.map(level => [level, (...words: unknown[]) => this.#line({ say: 'log', level, words: logParts(words) })])
    ) as unknown as TaskLog
    this.progress = {
      setTotal: (total, unit) => this.#move({ total: numberOf(total) ?? -1, ...named('unit', unit) }),
      advance: (by = 1, message) => this.#go(this.#current + (numberOf(by) ?? 0), message),
      update: (current, message) => this.#go(current, message),
      setMessage: message => this.#move({ message: messageOf(message) ?? '' }),
      setStage: (stage, total, unit) => {
        // The progress of the previous stage does not apply to this one.
        this.#moved = null
        this.#current = 0
        this.#move({
          stage: nameOf(stage) ?? '',
          ...total !== undefined && { total: numberOf(total) ?? -1 },
          ...named('unit', unit)
        })
      }
    }
  }

  /** Sends the remaining progress and log lines. */
  end (): void {
    this.#sendProgress()
    const tail = this.#tail.slice(-TAIL)
    const out = this.#lines - HEAD - tail.length
    if (out > 0) this.#port.post({ say: 'log', level: 'warn', words: [{ plain: `[${out} lines left out]` }] })
    for (const line of tail) this.#port.post(line)
    this.#tail = []
  }

  #line (line: Line): void {
    this.#lines++
    if (this.#lines <= HEAD) return this.#port.post(line)
    this.#tail.push(line)
    if (this.#tail.length >= 2 * TAIL) this.#tail = this.#tail.slice(-TAIL)
  }

  #go (current: number, message: string | undefined): void {
    this.#current = numberOf(current) ?? this.#current
    const words = messageOf(message)
    this.#move({ current: this.#current, ...words !== undefined && { message: words } })
  }

  /** A due report is sent synchronously, not by a timer, so that a function that never yields also reports. */
  #move (moved: Moved): void {
    this.#moved = { ...this.#moved, ...moved }
    if (this.#clock.monotonic() - this.#sentAt >= EVERY) return this.#sendProgress()
    this.#cancel ??= after(this.#clock, EVERY, () => this.#sendProgress())
  }

  #sendProgress (): void {
    this.#cancel?.()
    this.#cancel = null
    if (this.#moved === null) return
    this.#sentAt = this.#clock.monotonic()
    this.#port.post({ say: 'progress', moved: this.#moved })
    this.#moved = null
  }
}
