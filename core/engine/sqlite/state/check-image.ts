import { isDeepStrictEqual } from 'node:util'
import { stateNumber } from '../mapping/state-number.ts'
import type { Lane } from './lanes.ts'
import { readImage } from './read-image.ts'
import { toRun } from '../mapping/run-row.ts'
import type { RunRow } from '../mapping/run-row.ts'
import { Tables } from './tables.ts'

/** A part of the image as text, for comparison. */
type ImageParts = Record<string, unknown>

const sorted = <V>(map: ReadonlyMap<string | number, V>) => [...map].toSorted(([a], [b]) => a < b ? -1 : 1)

const countsOf = ({ id, task, queue, priority, span, scheduled, counts }: Lane) => ({
  id,
  task,
  queue,
  priority,
  span,
  scheduled,
  counts: [...counts]
})

function partsOf (tables: Tables, now: number): ImageParts {
  const { memory, holds } = tables
  const lanes = [...memory.lanes.byId.values()].toSorted((a, b) => a.id - b.id)
  return {
    lanes: lanes.map(countsOf),
    last: lanes.map(({ id, last }) => ({ id, last: last && { ...last, lease_until: null } })),
    due: lanes.filter(({ span }) => span !== null).map(
      lane => ({ id: lane.id, due: memory.lanes.dueAt(lane, now), later: lane.later })
    ),
    waiting: lanes.filter(lane => memory.lanes.waiting.has(lane)).map(({ id }) => id),
    queues: [...new Set(lanes.map(({ queue }) => queue))].map(queue => [queue, memory.lanes.waitingIn(queue)]),
    singles: memory.singles.at(now).map(
      ({ id, group, now: hurried, deadline_at, due_at, since }) => ({
        id,
        group,
        now: hurried,
        deadline_at,
        due_at,
        since
      })
    ),
    later: memory.singles.later,
    running: sorted(memory.running),
    owners: sorted(memory.owners),
    buckets: sorted(memory.buckets),
    versions: { ...memory.versions },
    'holds of lanes': sorted(holds.lanes.byLane).map(
      ([lane, { open, until }]) => ({ lane, until, open: [...open].toSorted((a, b) => a.id - b.id) })
    ),
    'holds of runs': sorted(holds.runs.byRun).filter(([, own]) => own.length > 0)
  }
}

/** True when a comparison between two transactions takes no noticeable time. */
const isSmall = ({ memory: { lanes } }: Tables): boolean =>
  lanes.byId.size <= 64 &&
  [...lanes.waiting].reduce((sum, { counts }) => sum + counts[stateNumber('queued')]!, 0) <= 5000

/** Compares memory with the rows and throws at the first part that differs. Parts that memory has not read are skipped,
 *  and large stores are not compared. */
export function checkImage (tables: Tables, now: number): void {
  if (!isSmall(tables)) return
  const fresh = new Tables(tables.db, tables)
  readImage(fresh)
  const [found, expected] = [partsOf(tables, now), partsOf(fresh, now)]
  for (
    const [name, part] of Object.entries(expected)
  ) if (!isDeepStrictEqual(found[name], part)) throw differ(name, found[name], part)
  checkBounds(tables, fresh)
  for (const lane of tables.memory.lanes.waiting) checkFirst(tables, lane)
  tables.hourly.check()
}

const differ = (part: string, found: unknown, expected: unknown): Error =>
  new Error(
    `Memory and rows differ in ${part}: in memory ${JSON.stringify(found)}, in the rows ${JSON.stringify(expected)}`
  )

/** Checks the parts of memory that are bounds of the rows rather than copies. */
function checkBounds ({ memory, ids: numbers }: Tables, fresh: Tables): void {
  const awaited = [...fresh.memory.awaited].filter(id => !memory.awaited.has(id))
  if (awaited.length > 0) throw differ('awaited', [], awaited)
  if (fresh.memory.hasDependencies && !memory.hasDependencies) throw differ('linked', false, true)
  if (numbers.last < fresh.ids.last || numbers.ahead < fresh.ids.ahead) {
    throw differ('numbers', numbers.last, fresh.ids.last)
  }
  const deadline = fresh.one<{ at: number | null }>(
    'select min(deadline_at) as at from run indexed by run_deadline where expires = 1 and state <= 1'
  )!.at
  if (deadline !== null && deadline < memory.deadline) throw differ('deadline', memory.deadline, deadline)
}

function checkFirst (tables: Tables, lane: Lane): void {
  if (lane.first === null) return
  const row = tables.one<RunRow>(
    'select * from run indexed by run_queued where state = 1 and lane = ? order by due_at, id limit 1',
    lane.id
  )
  const first = row && toRun(row, lane)
  if (!isDeepStrictEqual(first, { ...lane.first, lease_until: null })) {
    throw differ(`the first run of lane ${lane.id}`, lane.first, first)
  }
}
