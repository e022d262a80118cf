import type { SQLInputValue } from 'node:sqlite'
import { decodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import { text } from './json-text.ts'
import { stateNumber } from './state-number.ts'
import { untilNumber } from './run-row.ts'

/** The columns that change after a run was inserted, and how each is stored. */
const CHANGING: readonly (readonly [column: keyof Run, stored: (run: Run) => SQLInputValue])[] = [
  ['max_retries', run => run.max_retries],
  ['nominal_at', run => run.nominal_at],
  ['deadline_at', run => run.deadline_at],
  ['moved', run => text(run.moved)],
  ['key_until', untilNumber],
  ['now', run => run.now ? 1 : 0],
  ['single', run => run.single ? 1 : 0],
  ['preempted', run => run.preempted],
  ['state', run => stateNumber(run.state)],
  ['due_at', run => run.due_at],
  ['missed', run => run.missed],
  ['attempt', run => run.attempt],
  ['turn', run => run.turn],
  ['crashes', run => run.crashes],
  ['started_at', run => run.started_at],
  ['finished_at', run => run.finished_at],
  ['owner', run => run.owner],
  ['cancel', run => text(run.cancel)],
  ['reason', run => text(run.reason)],
  ['error', run => text(run.error)],
  ['warning', run => run.warning],
  ['progress', run => text(run.progress)],
  ['child', run => text(run.child)]
]

/** The update statements by the columns that they set: one bit for each column, and the highest bit for the lane. Few
 *  combinations occur. */
const updates = new Map<number, string>()
const LANE_BIT = 1 << CHANGING.length

function updateOf (mask: number): string {
  const columns = CHANGING.filter((_, place) => mask & 1 << place).map(([column]) => `${column} = ?`)
  if (mask & LANE_BIT) columns.push('lane = ?')
  // An update without changes still checks the turn and the state.
  return `update run set ${columns.join(', ') || 'id = id'} where id = ? and turn = ? and state = ?`
}

/** The statement that writes the changed columns, guarded by the turn and the state that were read. It sets no
 *  unchanged column, so that SQLite leaves the indexes of those alone. `lane`: the id of the new lane, or null. */
export function updateFor (before: Run, after: Run, lane: number | null): { sql: string, values: SQLInputValue[] } {
  let mask = 0
  const values: SQLInputValue[] = []
  for (let place = 0; place < CHANGING.length; place++) {
    const [column, stored] = CHANGING[place]!
    if (before[column] === after[column]) continue
    mask |= 1 << place
    values.push(stored(after))
  }
  if (lane !== null) {
    mask |= LANE_BIT
    values.push(lane)
  }
  let sql = updates.get(mask)
  if (sql === undefined) updates.set(mask, sql = updateOf(mask))
  values.push(decodeId(before.id), before.turn, stateNumber(before.state))
  return { sql, values }
}
