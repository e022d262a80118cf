import { SOURCES } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { QueueCount, QueuesAsk } from '../../reports.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../mapping/state-number.ts'
import { afterEnd } from '../../transitions.ts'
import { rangeOf } from '../state/index-ranges.ts'
import type { RunRow } from '../mapping/run-row.ts'
import type { Tables } from '../state/tables.ts'
import type { Term } from '../sql/condition.ts'
import { queuedOf } from './list-plan.ts'

/** The earliest due time of the due runs of these lanes, or null. */
function oldestOf (tables: Tables, lanes: readonly Lane[], now: number): number | null {
  const dues = lanes.filter(({ counts }) => counts[stateNumber('queued')]! > 0).map(lane =>
    tables.one<{ due_at: number }>(
      'select due_at from run indexed by run_queued where state = 1 and lane = ? order by due_at limit 1',
      lane.id
    )!.due_at
  )
  const oldest = Math.min(...dues)
  return oldest <= now ? oldest : null
}

/** The queues that have or had runs, by name. */
export function queues (tables: Tables, { now, names }: QueuesAsk): QueueCount[] {
  const lanes = [...tables.memory.lanes.byId.values()].filter(
    ({ queue }) => names === undefined || names.includes(queue)
  )
  return [...Map.groupBy(lanes, ({ queue }) => queue)].toSorted(([a], [b]) => a < b ? -1 : 1).map(([queue, own]) => {
    const sum = (state: 'blocked' | 'queued' | 'running') =>
      own.reduce((total, { counts }) => total + counts[stateNumber(state)]!, 0)
    return {
      queue,
      blocked: sum('blocked'),
      queued: sum('queued'),
      running: sum('running'),
      oldest: now === undefined ? null : oldestOf(tables, own, now)
    }
  })
}

/** The waiting runs of a queue that were added first. */
function firstOf (tables: Tables, queue: string, count: number): Run[] {
  const lanes = [...tables.memory.lanes.byId.values()].filter(lane => lane.queue === queue)
  const ids = lanes.flatMap(lane => [
    ...lane.counts[stateNumber('blocked')]! > 0
      ? SOURCES.flatMap(source => firstIds(tables, rangeOf({ lane, state: 'blocked' }, source), count))
      : [],
    ...lane.counts[stateNumber('queued')]! > 0 ? firstIds(tables, queuedOf(lane), count) : []
  ])
  return ids.toSorted((a, b) => a - b).slice(0, count).map(
    id => tables.toRun(tables.one<RunRow>('select * from run where id = ?', id)!)
  )
}

const firstIds = (tables: Tables, { sql, values }: Term, count: number): number[] =>
  tables.all<{ id: number }>(`select id from run ${sql} order by id limit ?`, ...values, count).map(({ id }) => id)

/** Skips the oldest waiting runs of a queue until it is within its bound. */
export function dropOldest (tables: Tables, { queue, max, now }: { queue: string, max: number, now: number }): void {
  const reason = {
    code: 'queue_full',
    message: `Dropped for newer runs: queue ${queue} holds at most ${max} waiting runs`
  }
  for (const run of firstOf(tables, queue, Math.max(0, tables.memory.lanes.waitingIn(queue) - max))) {
    const after = afterEnd(run, { now, as: 'skipped', reason })
    tables.save(run, after)
    tables.memory.emit({ kind: 'settled', run: { ...after }, outcome: 'skipped', ms: 0, owner: null })
  }
}
