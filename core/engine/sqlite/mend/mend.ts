import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { encodeId } from '../../../model/run/id.ts'
import { FINAL_STATES, STATES } from '../../../model/run/run.ts'
import type { Reason } from '../../../model/run/run.ts'
import { DEPENDENCY_RULES, LANE_RULES, LAST_NUMBER, MAKE_UNKNOWN_LANE, NEVER_DUE, OUT_OF_RANGE, RUN_RULES,
  SIDE_RULES } from './column-rules.ts'
import type { ColumnRule } from './column-rules.ts'

/** A row that was out of range, and the values that were found in it. */
interface Mended {
  table: string
  row: string
  message: string
}

/** `count`: the number of mended rows; `rows`: the first of them. `fail`: runs that must fail because of it. */
export interface Mending {
  count: number
  rows: Mended[]
  fail: { id: string, reason: Reason }[]
}

const MOST_NAMED = 50
const MOST_WRONG = 10_000

const allHold = (rules: readonly ColumnRule[]): string => rules.map(({ holds }) => holds).join(' and ')

/** Selects for each column its value as text when it is out of range, or null. */
const foundIn = (rules: readonly ColumnRule[]): string =>
  rules.map(({ column, holds }) =>
    `case when ${holds} then null else substr(quote(${column}), 1, 400) end as ${column}`
  )
    .join(', ')

type Found = Record<string, string | null>

/** The faults of a row, one clause for each column. */
const wordsOf = (rules: readonly ColumnRule[], found: Readonly<Record<string, string | number | null>>): string =>
  rules.flatMap(({ column, expected }) =>
    (found[column] ?? null) === null ? [] : [`${column} was ${found[column]}, expected ${expected}`]
  ).join('; ')

interface WrongRun {
  id: number
  open: number
  stray: number
  lost: number
  failing: number
  [column: string]: string | number | null
}

/** The condition that a run is in a lane that fits it. */
const IN_LANE = `exists (select 1 from lane where lane.id = run.lane and case when single = 1 then span = -2
  else span = coalesce(deadline_at - due_at, -1) and scheduled = (source <= 1) end)`

/** The condition that an earlier start has left a run to be failed. */
const FAILING = `(state <= 1 and due_at = ${NEVER_DUE}
  and case when json_valid(reason) then json_extract(reason, '$.code') end is '${OUT_OF_RANGE}')`

/** Corrects rows that are out of range after the database was opened and before it is used, so that no later read
 *  fails. */
class Mender {
  readonly #db: DatabaseSync
  readonly #now: number
  readonly #fail = new Map<string, Reason>()
  readonly #rows: Mended[] = []
  #count = 0

  constructor (db: DatabaseSync, now: number) {
    this.#db = db
    this.#now = now
  }

  mend (): Mending {
    this.#db.exec('begin immediate')
    try {
      for (const [table, rules] of Object.entries(SIDE_RULES)) this.#spare(table, rules)
      this.#sequence()
      const lanes = this.#lanes()
      this.#numbers()
      if (this.#runs(lanes)) this.#complete()
      this.#dependencies()
      this.#recount()
      if (this.#count > 0) this.#record()
      this.#db.exec('commit')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw error
    }
    return { count: this.#count, rows: this.#rows, fail: [...this.#fail].map(([id, reason]) => ({ id, reason })) }
  }

  #all<T> (sql: string, ...values: SQLInputValue[]): T[] {
    return this.#db.prepare(sql).all(...values) as T[]
  }

  #run (sql: string, ...values: SQLInputValue[]): void {
    this.#db.prepare(sql).run(...values)
  }

  #note (table: string, row: string, message: string): void {
    this.#count += 1
    if (this.#rows.length < MOST_NAMED) this.#rows.push({ table, row, message })
  }

  /** Corrects the rows of a table whose rows are dispensable, and removes those that cannot be corrected. */
  #spare (table: string, rules: readonly ColumnRule[]): void {
    const wrong = `not (${allHold(rules)})`
    const [row] = rules as [ColumnRule]
    const found = this.#all<Found & { row: string }>(`
      select substr(quote(${row.column}), 1, 80) as row, ${foundIn(rules)} from ${table}
      where ${wrong} limit ${MOST_NAMED}`)
    if (found.length === 0) return
    for (const one of found) {
      const isKept = rules.every(({ column, instead }) => one[column] === null || instead !== '')
      this.#note(table, one.row, `${wordsOf(rules, one)}${isKept ? '' : ': the row was removed'}`)
    }
    for (const { column, holds, instead } of rules) {
      if (instead !== '') this.#run(`update ${table} set ${column} = ${instead} where not ${holds}`)
    }
    this.#run(`delete from ${table} where ${wrong}`)
  }

  /** Corrects the number of the next audit entry. */
  #sequence (): void {
    this.#run(`update sqlite_sequence set seq = (select coalesce(max(seq), 0) from record)
      where name = 'record' and not (typeof(seq) = 'integer' and seq between 0 and ${2 ** 50})`)
  }

  /** Corrects lanes. Returns those whose task, queue or priority is lost. */
  #lanes (): number[] {
    this.#run(`delete from lane where id not between 1 and ${2 ** 40}`)
    const unknown: number[] = []
    const rows = this.#all<Found & { id: number }>(
      `select id, ${foundIn(LANE_RULES)} from lane where not (${allHold(LANE_RULES)}) limit ${MOST_WRONG}`
    )
    for (const { id, ...found } of rows) {
      const wrong = LANE_RULES.filter(({ column }) => found[column] !== null)
      const isUnknown = wrong.some(({ decides }) => decides)
      const sets = new Map(wrong.map(({ column, instead }) => [column, instead]))
      // Another lane may have the same remaining values.
      if (isUnknown) sets.set('queue', `'unknown-${id}'`)
      const all = [...sets].map(([column, value]) => `${column} = ${value}`).join(', ')
      this.#run(`update lane set ${all} where id = ?`, id)
      if (isUnknown) unknown.push(id)
      this.#note('lane', String(id), wordsOf(LANE_RULES, found as Found))
    }
    return unknown
  }

  /** Removes runs whose numbers are out of range. */
  #numbers (): void {
    const wrong = `not (id between 0 and ${LAST_NUMBER})`
    const [{ n }] = this.#all<{ n: number }>(`select count(*) as n from run where ${wrong}`) as [{ n: number }]
    if (n === 0) return
    this.#run(`delete from run where ${wrong}`)
    this.#note('run', 'id', `${n} rows had an invalid run number: they were removed`)
  }

  /** True when a run was mended. */
  #runs (lanes: readonly number[]): boolean {
    const lost = `(state <= 2 and lane in (${lanes.join(', ') || 'null'}))`
    const rows = this.#all<WrongRun>(`
      select id, not (typeof(state) = 'integer' and state between 3 and 6) as open, not ${IN_LANE} as stray,
        coalesce(${lost}, 0) as lost, ${FAILING} as failing, ${foundIn(RUN_RULES)}
      from run where not (${allHold(RUN_RULES.slice(1))} and ${IN_LANE}) or ${lost} or ${FAILING} limit ${MOST_WRONG}`)
    for (const row of rows) this.#mendRun(row)
    return rows.length > 0
  }

  #mendRun ({ id, open, stray, lost, failing, ...found }: WrongRun): void {
    const wrong = RUN_RULES.filter(({ column }) => found[column] !== null)
    if (wrong.some(({ column }) => column === 'lane')) this.#run(MAKE_UNKNOWN_LANE)
    const sets = wrong.map(({ column, instead }) => `${column} = ${instead}`)
    this.#run(`update run set ${sets.join(', ') || 'id = id'} where id = ?`, id)
    if (wrong.length > 0 || stray === 1 || lost === 1) this.#single(id)
    if (failing === 1) return this.#failAgain(id)
    const words = lost === 1 ? 'its lane is unknown' : wordsOf(RUN_RULES, found)
    const fails = open === 1 && (lost === 1 || wrong.some(({ decides }) => decides))
    if (fails) this.#postpone(id, words)
    if (words !== '') this.#note('run', encodeId(id), fails ? `${words}: it fails` : words)
    else this.#note('run', encodeId(id), 'it did not fit its lane: it was moved to another one')
  }

  /** Moves a run to the lane of single runs. */
  #single (id: number): void {
    this.#run(`insert or ignore into lane (task, queue, priority, span, scheduled)
      select task, queue, priority, -2, 0 from lane where id = (select lane from run where id = ?)`, id)
    this.#run(`update run set single = 1, lane = (select alone.id from lane as alone join lane as own
      on own.task = alone.task and own.queue = alone.queue and own.priority = alone.priority
      where own.id = run.lane and alone.span = -2 and alone.scheduled = 0) where id = ?`, id)
  }

  /** Keeps a run from starting until the engine is open and fails it with all consequences. */
  #postpone (id: number, words: string): void {
    const reason: Reason = { code: OUT_OF_RANGE, message: `Its row in the database was out of range: ${words}` }
    this.#run(`
      update run set state = min(state, 1), now = 0, due_at = ?, deadline_at = null, expires = null, owner = null,
        cancel = null, child = null, reason = ? where id = ?`, NEVER_DUE, JSON.stringify(reason), id)
    this.#fail.set(encodeId(id), reason)
  }

  /** Fails a run that an earlier start has left to be failed. */
  #failAgain (id: number): void {
    const [row] = this.#all<{ reason: string }>('select reason from run where id = ?', id)
    this.#fail.set(encodeId(id), JSON.parse(row!.reason) as Reason)
  }

  #dependencies (): void {
    const wrong = `not (${allHold(DEPENDENCY_RULES)})`
    const rows = this.#all<Found & { waits: number | null, id: string }>(`
      select (select id from run where id = dependency.run and state in (0, 1)) as waits,
        substr(quote(run), 1, 80) as id, ${foundIn(DEPENDENCY_RULES)} from dependency
      where ${wrong} limit ${MOST_WRONG}`)
    for (const { waits, id, ...found } of rows) {
      const words = wordsOf(DEPENDENCY_RULES, found as Found)
      this.#note('dependency', id, words)
      if (waits === null) continue
      this.#single(waits)
      this.#postpone(waits, words)
    }
    if (rows.length > 0) this.#run(`delete from dependency where ${wrong}`)
  }

  /** Sets missing ends of finished runs and missing starts of running runs. */
  #complete (): void {
    this.#run(`update run set finished_at = max(created_at, coalesce(started_at, created_at))
      where state > 2 and finished_at is null`)
    this.#run('update run set started_at = created_at where state = 2 and started_at is null')
  }

  /** Corrects the counts of lanes. */
  #recount (): void {
    const counts = FINAL_STATES.map(state => ({
      state,
      rows: `(select count(*) from run indexed by run_lane
        where (state <> 1 or source <> 2) and run.lane = lane.id and state = ${STATES.indexOf(state)})`
    }))
    const differs = counts.map(({ state, rows }) => `${state} <> ${rows}`).join(' or ')
    const wrong = this.#all<{ id: number }>(`select id from lane where ${differs}`)
    for (const { id } of wrong) {
      this.#run(`update lane set ${counts.map(({ state, rows }) => `${state} = ${rows}`).join(', ')} where id = ?`, id)
      this.#note('lane', String(id), 'its counts differed from its runs')
    }
    this.#run(`update lane set last = null where last is not null
      and not exists (select 1 from run where run.id = lane.last and run.lane = lane.id and state between 3 and 5)`)
  }

  #record (): void {
    const detail = { count: this.#count, rows: this.#rows }
    this.#run('insert into record (at, who, action, subject, detail) values (?, ?, ?, ?, ?)', this.#now, 'offpeak',
      'mend', 'database', JSON.stringify(detail))
  }
}

/** Corrects rows that were written by hand or by an older version and are out of range. Returns what it changed. */
export const mend = (db: DatabaseSync, now: number): Mending => new Mender(db, now).mend()
