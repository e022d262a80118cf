import type { SQLOutputValue } from 'node:sqlite'
import { encodeId } from '../../../model/run/id.ts'
import { SOURCES } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { LaneKey } from './lane-row.ts'

/** The columns in which the plain queued runs of a lane differ. A run is plain when it was never claimed and waits only
 *  for its due time; most runs are, and many are claimed at once. */
export const PLAIN = 'run.id, source, due_at, nominal_at, max_retries, missed, created_at, schedule, name, deadline_at'

/** The condition that the row of a plain run meets. */
export const IS_PLAIN = 'turn = 0 and awaits is null and reason is null and moved is null and key_until is null'

type PlainValues = [
  id: number,
  source: number,
  due_at: number,
  nominal_at: number,
  max_retries: number,
  missed: number,
  created_at: number,
  schedule: string | null,
  name: string | null,
  deadline_at: number | null
]

/** The run with the values of PLAIN in this lane. */
export function plainRun (values: readonly SQLOutputValue[], { task, queue, priority }: LaneKey): Run {
  const [id, source, due_at, nominal_at, max_retries, missed, created_at, schedule, name, deadline_at] =
    values as PlainValues
  return {
    id: encodeId(id),
    task,
    queue,
    priority,
    state: 'queued',
    source: SOURCES[source]!,
    schedule,
    key: name === null ? null : name.slice(task.length + 1),
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
