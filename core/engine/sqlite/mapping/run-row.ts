import type { SQLInputValue } from 'node:sqlite'
import { SOURCES, STATES } from '../../../model/run/run.ts'
import { decodeId, encodeId } from '../../../model/run/id.ts'
import type { Run } from '../../../model/run/run.ts'
import { parsed, text } from './json-text.ts'
import type { LaneKey } from './lane-row.ts'
import { stateNumber } from './state-number.ts'

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

/** The unique name of a key. No task id contains a slash. */
export const nameOf = (task: string, key: string | null | undefined): string | null =>
  key === null || key === undefined ? null : `${task}/${key}`

const STARTED = -1
const FINISHED = -2

/** The stored value of `key_until`. */
export const untilNumber = ({ key_until: until }: Run): number | null =>
  until === 'started' ? STARTED : until === 'finished' ? FINISHED : until

/** The run of a row in its lane. The end of its lease is in the row of its owner. */
export function toRun (row: RunRow, lane: LaneKey): Run {
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

/** Inserts a new run with the values of insertValues. Attempt, turn, crashes and preempted start at zero. */
export const INSERT_RUN = `
  insert into run (id, lane, state, source, due_at, nominal_at, deadline_at, max_retries, missed, created_at,
    finished_at, schedule, name, reason, payload, expires, now, single)`

/** `payload`: the payload as it is stored in the row, or null. */
export const insertValues = (
  run: Run,
  lane: { id: number },
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
  nameOf(run.task, run.key),
  text(run.reason),
  payload,
  expires ? 1 : null,
  run.now ? 1 : 0,
  run.single ? 1 : 0
]

/** Sets the columns that few new runs have. */
export const RICH_RUN = 'update run set moved = ?, key_until = ? where id = ?'

export const richValues = (run: Run): SQLInputValue[] => [text(run.moved), untilNumber(run), decodeId(run.id)]

/** True when a new run has values that INSERT_RUN does not store. */
export const isRich = ({ moved, key_until }: Run): boolean => moved !== null || key_until !== null
