import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DAY, MINUTE } from '../model/base/duration.ts'
import { FIELDS, LEVELS, emptyTimeline, extend, pointOf, select } from '../model/machine/history.ts'
import { failureOf } from '../model/run/failure.ts'
import type { HistoryAsk, Point, Timeline, Value } from '../model/machine/history.ts'
import type { Reading } from '../model/machine/reading.ts'

const FILE = 'readings.jsonl'
const MODE = 0o600
/** The levels of the timeline: minutes are appended to the file, a line of some hundred bytes each. */
const MINUTES = 1
const QUARTERS = 2
const SIGNIFICANT = 4
const REWRITE_EVERY = DAY

const short = (value: Value | undefined): Value | null =>
  value === undefined ? null : typeof value === 'number' ? Number(value.toPrecision(SIGNIFICANT)) : value

/** `[instant, count, values in the order of the head]`. */
const lineOf = ({ at, count, values }: Point): string =>
  JSON.stringify([at, count, ...FIELDS.map(field => short(values[field]))])

const HEAD = JSON.stringify({ fields: FIELDS })

const isValue = (value: unknown): value is Value => ['number', 'string', 'boolean'].includes(typeof value)

/** The points of a stored file. Skips lines that cannot be read, such as one cut off by a power loss. */
function pointsIn (text: string): Point[] {
  let fields: string[] = [...FIELDS]
  return text.split('\n').flatMap((line): Point[] => {
    try {
      const parsed = JSON.parse(line) as unknown
      if (!Array.isArray(parsed)) {
        fields = (parsed as { fields?: string[] } | null)?.fields ?? fields
        return []
      }
      const [at, count, ...values] = parsed as unknown[]
      if (typeof at !== 'number' || typeof count !== 'number' || count < 1) return []
      const known = fields.map((field, index) => [field, values[index]] as const)
        .filter(([field, value]) => isValue(value) && (FIELDS as readonly string[]).includes(field))
      return [{ at, count, values: Object.fromEntries(known) as Point['values'] }]
    } catch {
      return []
    }
  })
}

/** Past readings: every five seconds for an hour, every minute for a day, every quarter of an hour for thirty days.
 *  Complete minutes are stored in `readings.jsonl` of the data folder. */
export class History {
  readonly #folder: string
  #timeline: Timeline = emptyTimeline()
  /** The start of the last minute that was written. */
  #written = -Infinity
  #rewritten = Infinity
  #saving: Promise<void> = Promise.resolve()
  /** The error of the last write, or null. */
  fault: string | null = null

  constructor ({ folder }: { folder: string }) {
    this.#folder = folder
  }

  /** Loads the stored points, and rewrites the file without those that are too old at `now`. */
  async load (now: number): Promise<void> {
    const text = await readFile(this.#file, 'utf8').catch(() => '')
    if (text === '') return
    const points = pointsIn(text).filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at)
    const levels = LEVELS.slice(MINUTES)
    const kept = points.reduce<Timeline>((timeline, point) => extend(timeline, point, levels), emptyTimeline(levels))
    this.#timeline = [[], ...kept.map((part, index) => part.filter(({ at }) => at > now - levels[index]!.keepMs))]
    this.#written = points.at(-1)?.at ?? -Infinity
    this.#rewritten = now
    await this.#save(() => this.#rewrite())
  }

  /** Adds a reading; writes complete minutes to the file. */
  add (reading: Reading): void {
    const before = this.#timeline[MINUTES]!.at(-1)?.at
    this.#timeline = extend(this.#timeline, pointOf(reading))
    const open = this.#timeline[MINUTES]!.at(-1)!.at
    if (open === before) return
    // The clock was set back: minutes are written again.
    if (open < this.#written) this.#written = open - MINUTE
    const complete = this.#timeline[MINUTES]!.filter(({ at }) => at > this.#written && at < open)
    if (complete.length === 0) return
    this.#written = complete.at(-1)!.at
    const due = reading.at - this.#rewritten >= REWRITE_EVERY
    if (due) this.#rewritten = reading.at
    void this.#save(() => due ? this.#rewrite() : this.#append(complete))
  }

  /** The points of a period, oldest first. */
  query (ask: HistoryAsk): Point[] {
    return select(this.#timeline, ask)
  }

  /** Writes the current minute, and resolves when everything is written. */
  async stop (): Promise<void> {
    const rest = this.#timeline[MINUTES]!.filter(({ at }) => at > this.#written)
    this.#written = rest.at(-1)?.at ?? this.#written
    if (rest.length > 0) void this.#save(() => this.#append(rest))
    await this.#saving
  }

  get #file (): string {
    return join(this.#folder, FILE)
  }

  #save (write: () => Promise<void>): Promise<void> {
    this.#saving = this.#saving.then(write).then(
      () => {
        this.fault = null
      },
      (error: unknown) => {
        this.fault = failureOf(error).message
      }
    )
    return this.#saving
  }

  async #append (points: readonly Point[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const fresh = await appendFile(this.#file, '', { mode: MODE, flag: 'ax' }).then(() => true, () => false)
    const lines = points.map(lineOf)
    // The newline comes first, so that a line that a power loss has truncated does not affect the next one.
    await appendFile(this.#file, `${fresh ? HEAD : ''}\n${lines.join('\n')}`)
  }

  async #rewrite (): Promise<void> {
    const minutes = this.#timeline[MINUTES]!.filter(({ at }) => at <= this.#written)
    // A quarter that overlaps the written minutes would count twice.
    const before = minutes[0]?.at ?? Infinity
    const quarters = this.#timeline[QUARTERS]!.filter(({ at }) => at + LEVELS[QUARTERS]!.stepMs <= before)
    await writeFile(`${this.#file}.tmp`, [HEAD, ...[...quarters, ...minutes].map(lineOf)].join('\n'), { mode: MODE })
    await rename(`${this.#file}.tmp`, this.#file)
  }
}
