import { DAY } from '../../../model/base/duration.ts'
import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Hold, Run } from '../../../model/run/run.ts'
import type { HeldAsk, HeldTime, HoldEntry } from '../../engine.ts'
import type { Statements } from '../sql/statements.ts'

/** Entries that a run's timeline has at most. */
const MOST = 200

/** A clock that was wrong must not write a row for each day since 1970. */
const LONGEST = 366 * DAY

/** One wait of a run: the entry that is open (`code` null: none is), and for how long it was held before. */
interface Wait { seq: number, code: string | null, from: number, ms: number, task: string }

type Row = { seq: number, code: string, began: number, ended: number }

const dayOf = (at: number): number => Math.floor(at / DAY)

/** The first two of one code, or the first two of all. */
function oldestPair (rows: readonly Row[]): [Row, Row] {
  const seen = new Map<string, Row>()
  for (const row of rows) {
    const known = seen.get(row.code)
    if (known) return [known, row]
    seen.set(row.code, row)
  }
  return [rows[0]!, rows[1]!]
}

/** The timelines of the runs. Those of waiting runs are in memory, so that a run that was never held costs no statement. */
export class Holds {
  readonly #waits = new Map<string, Wait>()
  readonly #db: Statements

  constructor (db: Statements) {
    this.#db = db
  }

  /** Reads what is open; what memory held is forgotten. */
  remember (): void {
    this.#waits.clear()
    const rows = this.#db.all<Omit<Row, 'ended'> & { run: number, task: string, since: number }>(`
      select hold.run, seq, code, began, lane.task, coalesce(run.started_at, 0) as since
      from hold indexed by hold_open join run on run.id = hold.run join lane on lane.id = run.lane
      where ended is null`)
    for (const { run, seq, code, began, task, since } of rows) {
      const { ms } = this.#db.one<{ ms: number }>(`
        select coalesce(sum(ended - began), 0) as ms from hold
        where run = ? and ended is not null and began >= ?`, run, since)!
      this.#waits.set(encodeId(run), { seq, code, from: began, ms, task })
    }
  }

  /** Writes what the verdict on a queued run says now. */
  hold (run: Run, { at, code, message }: HoldEntry): void {
    const wait = this.#waits.get(run.id)
    if ((wait?.code ?? null) === code) return
    if (wait) this.#close(run.id, wait, at)
    if (code === null) return
    const seq = (wait?.seq ?? this.#lastSeq(run.id)) + 1
    this.#waits.set(run.id, { seq, code, from: at, ms: wait?.ms ?? 0, task: run.task })
    this.#db.sql('insert into hold (run, seq, code, message, began) values (?, ?, ?, ?, ?)').run(decodeId(run.id), seq, code, message, at)
    if (seq > MOST) this.#thin(decodeId(run.id)!)
  }

  #lastSeq (id: string): number {
    return this.#db.one<{ seq: number | null }>('select max(seq) as seq from hold where run = ?', decodeId(id))?.seq ?? 0
  }

  #close (id: string, wait: Wait, at: number): void {
    if (wait.code === null) return
    const to = Math.max(wait.from, at)
    this.#db.sql('update hold set ended = ? where run = ? and seq = ?').run(to, decodeId(id), wait.seq)
    this.#sum(wait, to, this.#isFirst(id, wait) ? 1 : 0)
    wait.ms += to - wait.from
    wait.code = null
  }

  /** True when the run was not held for that before. */
  #isFirst (id: string, { code, seq }: Wait): boolean {
    return !this.#db.one('select 1 from hold where run = ? and seq < ? and code = ?', decodeId(id), seq, code)
  }

  #sum ({ task, code, from }: Wait, to: number, runs: number): void {
    const upsert = this.#db.sql(`
      insert into held (day, task, code, ms, runs) values (?, ?, ?, ?, ?)
      on conflict (day, task, code) do update set ms = ms + excluded.ms, runs = runs + excluded.runs`)
    const began = Math.max(from, to - LONGEST)
    for (let day = dayOf(began); day <= dayOf(to); day++) {
      const ms = Math.min(to, (day + 1) * DAY) - Math.max(began, day * DAY)
      const fresh = day === dayOf(began) ? runs : 0
      if (ms > 0 || fresh > 0) upsert.run(day, task, code, ms, fresh)
    }
  }

  /** The oldest entries of one code become one: the first and the newest stay as they were. */
  #thin (run: number): void {
    const rows = this.#db.all<Row>('select seq, code, began, ended from hold where run = ? order by seq', run)
    if (rows.length <= MOST) return
    const [kept, same] = oldestPair(rows.slice(1, -1))
    this.#db.sql('update hold set ended = ended + ? where run = ? and seq = ?').run(same.ended - same.began, run, kept.seq)
    this.#db.sql('delete from hold where run = ? and seq = ?').run(run, same.seq)
  }

  /** Closes what is open of a run that waits no longer, and says for how long it was held in all (ms). */
  leave ({ id }: Run, at: number): number {
    const wait = this.#waits.get(id)
    if (!wait) return 0
    this.#close(id, wait, at)
    this.#waits.delete(id)
    return wait.ms
  }

  /** The timeline of a run, oldest first. */
  of (id: string): Hold[] {
    return this.#db.all<Hold>('select code, message, began as "from", ended as "to" from hold where run = ? order by seq', decodeId(id))
      .map(row => ({ ...row }))
  }

  /** Time held by task and code. */
  held ({ from, to, now }: HeldAsk): HeldTime[] {
    const rows = this.#db.all<HeldTime>(`
      select task, code, sum(ms) as ms, sum(runs) as runs from held
      where day >= ? and day < ?
      group by task, code`, dayOf(from), Math.ceil(to / DAY))
    const sums = new Map(rows.map(row => [`${row.task}/${row.code}`, { ...row }]))
    if (now !== undefined) this.#addOpen(sums, dayOf(from) * DAY, Math.min(now, to))
    return [...sums.values()].toSorted((a, b) => b.ms - a.ms)
  }

  #addOpen (sums: Map<string, HeldTime>, from: number, to: number): void {
    for (const [id, wait] of this.#waits) {
      if (wait.code === null || wait.from >= to) continue
      const name = `${wait.task}/${wait.code}`
      const sum = sums.get(name) ?? { task: wait.task, code: wait.code, ms: 0, runs: 0 }
      sum.ms += to - Math.max(from, wait.from)
      if (wait.from >= from && this.#isFirst(id, wait)) sum.runs += 1
      sums.set(name, sum)
    }
  }

  /** Removes the sums of days that are over by an instant. */
  forgetBefore (instant: number): void {
    this.#db.sql('delete from held where day < ?').run(dayOf(instant))
  }
}
