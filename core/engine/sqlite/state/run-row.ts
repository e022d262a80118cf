import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { PRIORITIES, SOURCES, STATES } from '../../../model/run/run.ts'
import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Json } from '../../../model/base/json.ts'
import type { PastAttempt, Run } from '../../../model/run/run.ts'
import type { Lane, LaneKey } from './lanes.ts'
import { stateNumber } from './lanes.ts'

/** A row of the table run. */
export interface RunRow {
  id: number
  lane: number
  state: number
  source: number
  due_at: number
  nominal_at: number
  max_retries: number
  missed: number
  created_at: number
  attempt: number
  turn: number
  crashes: number
  started_at: number | null
  finished_at: number | null
  schedule: string | null
  name: string | null
  owner: string | null
  cancel: string | null
  reason: string | null
  error: string | null
  warning: string | null
  progress: string | null
  child: string | null
  deadline_at: number | null
  moved: string | null
  awaits: number | null
  key_until: number | null
  now: number
  single: number
  preempted: number
}

/** JSON text as a value; absent is null, and so is what somebody else has written that is no JSON. */
export function parsed<T = Json> (text: string | null | undefined): T | null {
  if (text === null || text === undefined) return null
  try {
    return JSON.parse(text) as T
  } catch {
    return null
  }
}

/** A value as JSON text; null and undefined are absent. */
export const text = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value)

/** What a key is unique by: no task id has a slash. */
export const nameOf = (task: string, key: string | null | undefined): string | null =>
  key === null || key === undefined ? null : `${task}/${key}`

const STARTED = -1
const FINISHED = -2

const untilNumber = ({ key_until: until }: Run): number | null =>
  until === 'started' ? STARTED : until === 'finished' ? FINISHED : until

/** A row and its lane as a run; when its lease ends the owner's row says. */
export function toRun (row: RunRow, lane: Lane): Run {
  return {
    id: encodeId(row.id),
    task: lane.task,
    queue: lane.queue,
    priority: lane.priority,
    state: STATES[row.state]!,
    source: SOURCES[row.source]!,
    schedule: row.schedule,
    key: row.name === null ? null : row.name.slice(lane.task.length + 1),
    due_at: row.due_at,
    nominal_at: row.nominal_at,
    attempt: row.attempt,
    max_retries: row.max_retries,
    turn: row.turn,
    crashes: row.crashes,
    missed: row.missed,
    owner: row.owner,
    lease_until: null,
    cancel: parsed(row.cancel),
    reason: parsed(row.reason),
    error: parsed(row.error),
    warning: row.warning,
    progress: parsed(row.progress),
    child: parsed(row.child),
    created_at: row.created_at,
    started_at: row.started_at,
    finished_at: row.finished_at,
    deadline_at: row.deadline_at,
    moved: parsed(row.moved),
    key_until: row.key_until === STARTED ? 'started' : row.key_until === FINISHED ? 'finished' : row.key_until,
    now: row.now === 1,
    single: row.single === 1,
    preempted: row.preempted
  }
}

/** What tells one run of a cohort from another, of those that wait for nothing but their time: most are claimed so,
 *  many at once. */
export const PLAIN = 'run.id, source, due_at, nominal_at, max_retries, missed, created_at, schedule, name, deadline_at'

/** True of the row of such a run. */
export const IS_PLAIN = 'turn = 0 and awaits is null and reason is null and moved is null and key_until is null'

/** The values of PLAIN and the lane as the run that people see. */
export function plainRun (values: readonly SQLOutputValue[], lane: Lane): Run {
  const [id, source, due_at, nominal_at, max_retries, missed, created_at, schedule, name, deadline_at] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    string | null,
    string | null,
    number | null
  ]
  return {
    id: encodeId(id),
    task: lane.task,
    queue: lane.queue,
    priority: lane.priority,
    state: 'queued',
    source: SOURCES[source]!,
    schedule,
    key: name === null ? null : name.slice(lane.task.length + 1),
    due_at,
    nominal_at,
    attempt: 0,
    max_retries,
    turn: 0,
    crashes: 0,
    missed,
    owner: null,
    lease_until: null,
    cancel: null,
    reason: null,
    error: null,
    warning: null,
    progress: null,
    child: null,
    created_at,
    started_at: null,
    finished_at: null,
    deadline_at,
    moved: null,
    key_until: null,
    now: false,
    single: false,
    preempted: 0
  }
}

/** A new run in the order of the binding. Attempt, turn, crashes and preempted begin at zero. */
export const INSERT_RUN = `
  insert into run (id, lane, state, source, due_at, nominal_at, deadline_at, max_retries, missed, created_at,
    finished_at,
    schedule, name, reason, payload, expires, now, single)`

/** `payload`: what of it lies in the row. */
export const insertValues = (
  run: Run,
  lane: Lane,
  { payload, expires }: { payload: string | null, expires: boolean }
): SQLInputValue[] => [
  decodeId(run.id),
  lane.id,
  stateNumber(run.state),
  SOURCES.indexOf(run.source),
  run.due_at,
  run.nominal_at,
  run.deadline_at,
  run.max_retries,
  run.missed,
  run.created_at,
  run.finished_at,
  run.schedule,
  nameOf(
    run.task,
    run.key
  ),
  text(run.reason),
  payload,
  expires ? 1 : null,
  run.now ? 1 : 0,
  run.single ? 1 : 0
]

/** What few new runs have. */
export const RICH_RUN = 'update run set moved = ?, key_until = ? where id = ?'

export const richValues = (run: Run): SQLInputValue[] => [text(run.moved), untilNumber(run), decodeId(run.id)]

/** True when the row of a new run is not complete with INSERT_RUN. */
export const isRich = ({ moved, key_until }: Run): boolean => moved !== null || key_until !== null

/** All that changes while a run goes its way, and how it is stored. */
const CHANGING: readonly (readonly [column: keyof Run, stored: (run: Run) => SQLInputValue])[] = [
  [
    'max_retries',
    run => run.max_retries
  ],
  ['nominal_at', run => run.nominal_at],
  ['deadline_at', run => run.deadline_at],
  ['moved', run => text(run.moved)],
  ['key_until', untilNumber],
  ['now', run => run.now ? 1 : 0],
  [
    'single',
    run => run.single ? 1 : 0
  ],
  ['preempted', run => run.preempted],
  [
    'state',
    run => stateNumber(run.state)
  ],
  ['due_at', run => run.due_at],
  ['missed', run => run.missed],
  ['attempt', run => run.attempt],
  ['turn', run => run.turn],
  ['crashes', run => run.crashes],
  ['started_at', run => run.started_at],
  [
    'finished_at',
    run => run.finished_at
  ],
  ['owner', run => run.owner],
  ['cancel', run => text(run.cancel)],
  ['reason', run => text(run.reason)],
  ['error', run => text(run.error)],
  ['warning', run => run.warning],
  [
    'progress',
    run => text(run.progress)
  ],
  ['child', run => text(run.child)]
]

/** By which columns change, a bit each, the last one for the lane: a handful of ways that runs go. */
const updates = new Map<number, string>()
const LANE_BIT = 1 << CHANGING.length

function updateOf (mask: number): string {
  const columns = CHANGING.filter((_, place) => mask & 1 << place).map(([column]) => `${column} = ?`)
  if (mask & LANE_BIT) columns.push('lane = ?')
  // Where nothing changes, the guard is asked all the same.
  return `update run set ${columns.join(', ') || 'id = id'} where id = ? and turn = ? and state = ?`
}

/** Writes what has changed, guarded by the turn and the state it was read in: a statement binds in proportion to what
 *  it says, and an index of which nothing changes is left alone. `lane`: the id of another lane that it comes into, or
 *  null. */
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

/** A row of the table attempt. */
export type AttemptRow = Omit<PastAttempt, 'error' | 'reason'> & { error: string | null, reason: string | null }

export const toAttempt = (
  { turn, attempt, started_at, finished_at, outcome, error, reason }: AttemptRow
): PastAttempt => ({ turn, attempt, started_at, finished_at, outcome, error: parsed(error), reason: parsed(reason) })

/** The span of the lanes of single runs, as it is stored. */
const SINGLE = -2

interface LaneRow {
  task: string
  queue: string
  priority: number
  span: number
  scheduled: number
}

export const laneKey = ({ task, queue, priority, span, scheduled }: LaneRow): LaneKey => ({
  task,
  queue,
  priority: PRIORITIES[priority]!,
  span: span === SINGLE ? null : span,
  scheduled: scheduled === 1
})

/** Task, queue, priority, span and scheduled as they are stored. */
export const laneValues = (
  { task, queue, priority, span, scheduled }: LaneKey
): SQLInputValue[] => [task, queue, PRIORITIES.indexOf(priority), span ?? SINGLE, scheduled ? 1 : 0]
