import { HOUR } from '../../../model/base/duration.ts'
import { isDead, isFinal } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { StatsAsk, StatsRow } from '../../reports.ts'
import { DurationHistogram } from '../../histogram.ts'
import type { Statements } from '../sql/statements.ts'
import type { Journal } from './journal.ts'

const COUNTS = ['completed', 'failed', 'cancelled', 'skipped', 'dead', 'retries', 'cpu_ms'] as const
const DURATIONS = ['wait', 'held', 'run'] as const

type Counts = Record<typeof COUNTS[number], number>
type Histograms = Record<typeof DURATIONS[number], DurationHistogram>

/** A row of the table hour. */
interface HourRow extends Counts {
  hour: number
  task: string
  queue: string
  wait: string | null
  held: string | null
  run: string | null
}

/** The counts of one task in one queue for one UTC hour. */
interface HourCounts extends Counts, Histograms {
  hour: number
  task: string
  queue: string
}

/** The maximum number of entries in memory. */
const MAX_HOURS = 1000
const HOURS_PER_DAY = 24

const blank = ({ hour, task, queue }: Pick<HourRow, 'hour' | 'task' | 'queue'>): HourCounts => ({
  hour,
  task,
  queue,
  completed: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0,
  dead: 0,
  retries: 0,
  cpu_ms: 0,
  wait: new DurationHistogram(),
  held: new DurationHistogram(),
  run: new DurationHistogram()
})

const nameOf = ({ hour, task, queue }: Pick<HourRow, 'hour' | 'task' | 'queue'>): string => `${hour}/${task}/${queue}`

function addRow (tally: HourCounts, row: HourRow): HourCounts {
  for (const name of COUNTS) tally[name] += row[name]
  for (const name of DURATIONS) tally[name].merge(row[name])
  return tally
}

/** Counts and durations by hour, summed in memory and written at the end of each transaction. A rollback drops changed
 *  entries from memory; they are read again when they are needed. */
export class HourlyRollup {
  readonly #hours = new Map<string, HourCounts>()
  readonly #changed = new Set<HourCounts>()
  readonly #db: Statements
  readonly #journal: Journal
  #latest: HourCounts | null = null

  constructor (db: Statements, journal: Journal) {
    this.#db = db
    this.#journal = journal
  }

  #forget (): void {
    this.#hours.clear()
    this.#changed.clear()
    this.#latest = null
  }

  /** Adds the time that a run was held in a wait that ended, ms. */
  held (run: Run, at: number, ms: number): void {
    this.#at(at, run).held.add(ms, run.id)
  }

  /** Counts the end of an attempt or of a waiting run. */
  over (before: Run, after: Run, at: number): void {
    const tally = this.#at(at, before)
    if (!isFinal(after.state)) tally.retries += 1
    else tally[after.state as 'completed'] += 1
    if (isDead(after)) tally.dead += 1
    if (before.state !== 'running') return
    tally.wait.add(before.started_at! - before.due_at, before.id)
    tally.run.add(at - before.started_at!, before.id)
  }

  /** Adds the processor time of an attempt, ms. */
  took (run: Run, at: number, ms: number): void {
    this.#at(at, run).cpu_ms += ms
  }

  #at (at: number, { task, queue }: Run): HourCounts {
    const hour = Math.floor(at / HOUR)
    const latest = this.#latest
    const isLatest = latest?.hour === hour && latest.task === task && latest.queue === queue
    return this.#touched(isLatest ? latest : this.#of(hour, task, queue))
  }

  #of (hour: number, task: string, queue: string): HourCounts {
    const name = nameOf({ hour, task, queue })
    let tally = this.#hours.get(name)
    if (!tally) this.#hours.set(name, tally = this.#read(blank({ hour, task, queue })))
    return this.#latest = tally
  }

  #touched (tally: HourCounts): HourCounts {
    if (this.#changed.has(tally)) return tally
    this.#changed.add(tally)
    this.#journal.note(() => {
      this.#hours.delete(nameOf(tally))
      this.#changed.delete(tally)
      this.#latest = null
    })
    return tally
  }

  #read (tally: HourCounts): HourCounts {
    const row = this.#db.one<HourRow>(
      'select * from hour where hour = ? and task = ? and queue = ?',
      tally.hour,
      tally.task,
      tally.queue
    )
    return row ? addRow(tally, row) : tally
  }

  /** Writes the changed entries at the end of a transaction. */
  store (): void {
    if (this.#changed.size === 0) return
    for (const tally of this.#changed) this.#write(tally)
    this.#changed.clear()
    if (this.#hours.size > MAX_HOURS) this.#forget()
  }

  #write (
    { hour, task, queue, completed, failed, cancelled, skipped, dead, retries, cpu_ms, wait, held, run }: HourCounts
  ): void {
    this.#db.run(`
      replace into hour (hour, task, queue, completed, failed, cancelled, skipped, dead, retries, cpu_ms, wait, held,
        run)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, hour, task, queue, completed, failed, cancelled, skipped, dead,
      retries, cpu_ms, wait.serialize(), held.serialize(), run.serialize())
  }

  /** The rows of a report, by task or queue. */
  stats ({ from, to, by, every }: StatsAsk): StatsRow[] {
    const [first, last] = [Math.floor(from / HOUR), Math.ceil(to / HOUR)]
    const beginOf = (hour: number): number =>
      every === 'all' ? first : every === 'day' ? hour - hour % HOURS_PER_DAY : hour
    const groups = new Map<string, HourCounts>()
    for (
      const row of this.#db.sql(
        'select * from hour where hour >= ? and hour < ?'
      ).iterate(first, last) as Iterable<unknown> as Iterable<HourRow>
    ) {
      const hour = beginOf(row.hour)
      const name = `${hour}/${row[by]}`
      let group = groups.get(name)
      if (!group) groups.set(name, group = blank({ ...row, hour }))
      addRow(group, row)
    }
    return [...groups.values()].map(group => rowOf(group, by)).toSorted(
      (a, b) => a.at - b.at || (a.name < b.name ? -1 : 1)
    )
  }

  /** Sums the hours of the first day from `day` on into its first hour, if that day ended before an instant. Returns
   *  the day from which to continue. */
  fold (day: number, before: number): number {
    const first = this.#db.one<{ hour: number | null }>(
      'select min(hour) as hour from hour where hour >= ?',
      day * HOURS_PER_DAY
    )?.hour ?? null
    if (first === null) return day
    const found = Math.floor(first / HOURS_PER_DAY)
    if ((found + 1) * HOURS_PER_DAY * HOUR > before) return day
    const [begin, end] = [found * HOURS_PER_DAY, (found + 1) * HOURS_PER_DAY]
    // Entries that other calls of the transaction changed must be written before they are dropped.
    this.store()
    const groups = new Map<string, HourCounts>()
    for (const row of this.#db.all<HourRow>('select * from hour where hour >= ? and hour < ?', begin, end)) {
      const name = `${row.task}/${row.queue}`
      const group = groups.get(name) ?? blank({ ...row, hour: begin })
      groups.set(name, addRow(group, row))
    }
    this.#db.run('delete from hour where hour >= ? and hour < ?', begin, end)
    for (const group of groups.values()) this.#write(group)
    this.#forget()
    return found + 1
  }

  /** Throws when an entry in memory differs from its row. */
  check (): void {
    for (const tally of this.#hours.values()) {
      const [found, written] = [rowOf(tally, 'task'), rowOf(this.#read(blank(tally)), 'task')]
      if (JSON.stringify(found) !== JSON.stringify(written)) {
        const words = `in memory ${JSON.stringify(found)}, in the rows ${JSON.stringify(written)}`
        throw new Error(`Memory and rows differ in hour ${nameOf(tally)}: ${words}`)
      }
    }
  }

  /** Removes the hours before an instant. */
  forgetBefore (instant: number): void {
    const first = Math.floor(instant / HOUR)
    if (this.#db.one('select 1 from hour where hour < ? limit 1', first) === undefined) return
    // Entries that other calls of the transaction changed must be written before they are dropped.
    this.store()
    this.#db.run('delete from hour where hour < ?', first)
    this.#forget()
  }
}

function rowOf ({ hour, task, queue, wait, held, run, ...counts }: HourCounts, by: StatsAsk['by']): StatsRow {
  return {
    at: hour * HOUR,
    name: by === 'task' ? task : queue,
    ...counts,
    wait: wait.stats(),
    held: held.stats(),
    run: run.stats()
  }
}
