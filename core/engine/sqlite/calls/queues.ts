import { SOURCES } from '../../../model/run/run.ts'
import type { Reason, Run } from '../../../model/run/run.ts'
import type { QueueCount, QueuesAsk } from '../../engine.ts'
import type { Lane } from '../state/lanes.ts'
import { stateNumber } from '../state/lanes.ts'
import { afterEnd } from '../../transitions.ts'
import { armOf } from '../state/ranges.ts'
import type { RunRow } from '../state/rows.ts'
import type { Store } from '../state/store.ts'
import type { Term } from '../sql/condition.ts'
import { queuedOf } from './list-plan.ts'

/** How many runs of each queue wait, without a scan. */
export function waitingByQueue (store: Store): Map<string, number> {
  const waiting = new Map<string, number>()
  for (const { queue, counts } of store.lanes.byId.values()) {
    waiting.set(queue, (waiting.get(queue) ?? 0) + counts[stateNumber('blocked')]! + counts[stateNumber('queued')]!)
  }
  return waiting
}

/** Of the first run of each lane the one that was due first. */
function oldestOf (store: Store, lanes: readonly Lane[], now: number): number | null {
  const dues = lanes.filter(({ counts }) => counts[stateNumber('queued')]! > 0).map(lane =>
    store.one<{ due_at: number }>('select due_at from run indexed by run_queued where state = 1 and lane = ? order by due_at limit 1', lane.id)!.due_at)
  const oldest = Math.min(...dues)
  return oldest <= now ? oldest : null
}

/** The queues that have or had runs, by name. */
export function queues (store: Store, { now, names }: QueuesAsk): QueueCount[] {
  const lanes = [...store.lanes.byId.values()].filter(({ queue }) => names === undefined || names.includes(queue))
  return [...Map.groupBy(lanes, ({ queue }) => queue)].toSorted(([a], [b]) => a < b ? -1 : 1).map(([queue, own]) => {
    const sum = (state: 'blocked' | 'queued' | 'running') => own.reduce((total, { counts }) => total + counts[stateNumber(state)]!, 0)
    return { queue, blocked: sum('blocked'), queued: sum('queued'), running: sum('running'), oldest: now === undefined ? null : oldestOf(store, own, now) }
  })
}

/** Of the runs that wait in a queue those that were asked for first. */
function firstOf (store: Store, queue: string, count: number): Run[] {
  const lanes = [...store.lanes.byId.values()].filter(lane => lane.queue === queue)
  const ids = lanes.flatMap(lane => [
    ...lane.counts[stateNumber('blocked')]! > 0 ? SOURCES.flatMap(source => firstIds(store, armOf({ lane, state: 'blocked' }, source), count)) : [],
    ...lane.counts[stateNumber('queued')]! > 0 ? firstIds(store, queuedOf(lane), count) : []
  ])
  return ids.toSorted((a, b) => a - b).slice(0, count).map(id => store.toRun(store.one<RunRow>('select * from run where id = ?', id)!))
}

const firstIds = (store: Store, { sql, values }: Term, count: number): number[] =>
  store.all<{ id: number }>(`select id from run ${sql} order by id limit ?`, ...values, count).map(({ id }) => id)

/** Skips the oldest of the runs that wait in a queue until `most` are left. */
export function thin (store: Store, { queue, most, now, reason }: { queue: string, most: number, now: number, reason: Reason }): Run[] {
  const over = (waitingByQueue(store).get(queue) ?? 0) - most
  if (over <= 0) return []
  return firstOf(store, queue, over).map(run => {
    const after = afterEnd(run, { now, as: 'skipped', reason })
    store.save(run, after)
    return after
  })
}
