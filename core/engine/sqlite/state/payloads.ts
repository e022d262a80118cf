import { decodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/json/json.ts'
import { text } from '../mapping/json-text.ts'
import type { Prepared } from '../sql/statements.ts'
import type { Journal } from './journal.ts'

const INSERT = 'insert into payload (run, json)'

/** The maximum length of a payload in the row of its run, characters of JSON. A longer one would be rewritten with each
 *  change of the row. */
const SHORT = 512

/** The maximum number of payloads in memory. */
const MOST = 256

const isShort = (json: string | null): boolean => json !== null && json.length <= SHORT

/** The payloads of runs: short ones in the row of the run, long ones in their own table. */
export class Payloads {
  readonly #db: Prepared
  readonly #journal: Journal
  /** Short payloads of new runs, which may be claimed at once. */
  readonly #lately = new Map<string, string | null>()

  constructor (db: Prepared, journal: Journal) {
    this.#db = db
    this.#journal = journal
  }

  /** Stores the payload of a new run. Returns the part for its row, or null. */
  take (id: string, payload: Json): string | null {
    const json = text(payload)
    if (json !== null && !isShort(json)) {
      this.#db.fresh(INSERT, decodeId(id), json)
      return null
    }
    if (this.#lately.size >= MOST) this.#lately.clear()
    this.#journal.put(this.#lately, id, json)
    return json
  }

  /** The payload of a run as JSON text, or null. */
  of (id: string): string | null {
    const lately = this.#lately.get(id)
    if (lately !== undefined) return lately
    const sql = `
      select coalesce(run.payload, payload.json) as json from run
      left join payload on payload.run = run.id where run.id = ?`
    return this.#db.one<{ json: string | null }>(sql, decodeId(id))?.json ?? null
  }

  set (id: string, payload: Json): void {
    this.#journal.drop(this.#lately, id)
    const [number, json] = [decodeId(id), text(payload)]
    this.#db.run('delete from payload where run = ?', number)
    this.#db.run('update run set payload = ? where id = ?', isShort(json) ? json : null, number)
    if (json !== null && !isShort(json)) this.#db.fresh(INSERT, number, json)
  }
}
