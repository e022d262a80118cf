import { isSuspect, sharesOf, waitAfterCrash } from '../../../core/model/run/suspicion.ts'
import type { Share } from '../../../core/model/run/suspicion.ts'
import { SECOND } from '../../../core/model/base/duration.ts'
import type { Condition, Hold, Priority, Source, State } from '../../../core/model/run/run.ts'
import type { Json } from '../../../core/model/base/json.ts'
import type { Used } from '../../../core/model/run/used.ts'

/** `counted`: what the prerequisite came to when it did. `result`: of one that was removed. */
export interface Link { id: string, ref: string | null, condition: Condition, counted: State | null, result: Json }

/** A run as the laws say it is: reasons by their code, errors by their message, the child by its pid. `own`: entries of
 *  its own timeline, of which the first `past` are of waits that are over. `rated`: its start was taken from a bucket,
 *  as far as is known. `countedTo`: up to
 *  when the wait in its cohort is summed, null: nothing of it is. */
export interface Was {
  id: string, task: string, queue: string, priority: Priority, state: State, source: Source, schedule: string | null, key: string | null
  due_at: number, nominal_at: number, attempt: number, max_retries: number, turn: number, crashes: number, missed: number, owner: string | null
  created_at: number, started_at: number | null, finished_at: number | null, deadline_at: number | null, expires: boolean
  now: boolean, single: boolean, preempted: number
  cancel: string | null, reason: string | null, error: string | null, child: number | null
  until: 'started' | 'finished' | number | null, free: boolean, displaced: boolean, links: Link[]
  payload: Json, result: Json, checkpoint: Json, used: Used | null
  attempts: { turn: number, outcome: string }[], own: Hold[], past: number, lines: string[], rated: boolean, countedTo: number | null
}

export interface Sum { completed: number, failed: number, cancelled: number, skipped: number, retries: number, cpu: number }

export const isWaiting = ({ state }: Was): boolean => state === 'queued' || state === 'blocked'

export const isScheduled = ({ source }: Was) => source === 'schedule' || source === 'catch_up'

/** Due first, then asked for first. */
export const dueOrder = (a: Was, b: Was): number => a.due_at - b.due_at || (a.id < b.id ? -1 : 1)

/** In which order single runs are told. */
export const singleOrder = (a: Was, b: Was): number =>
  Number(b.now) - Number(a.now) || (a.deadline_at ?? Infinity) - (b.deadline_at ?? Infinity) || dueOrder(a, b)

/** Until when a run of a cohort has waited; null: it still does. One that ended without an attempt waited until its end. */
export function waitedUntil ({ state, attempt, crashes, started_at: started, finished_at: finished }: Was): number | null {
  if (state === 'queued') return null
  return finished !== null && attempt === 0 && crashes === 0 ? finished : started ?? finished
}

export const rateOf = ({ count, per_ms: per }: { count: number, per_ms: number }) => ({ limit: count, per: per / SECOND })

/** The parts that runs of owners that are no more have in their ends. */
export function sharesIn (lost: readonly Was[], cap: number): [Was, Share][] {
  const shares = new Map([...Map.groupBy(lost, run => run.owner)].map(([owner, own]) => [owner, sharesOf(own, { crash_cap: cap, blame: null })]))
  return lost.map(run => [run, shares.get(run.owner)!(run)])
}

/** Until when a run waits after a crash, long ago when it is no suspect. */
export const waitedAfter = ({ crashes }: Was, cap: number, now: number): number =>
  isSuspect({ crashes }, cap) ? now + waitAfterCrash(crashes, cap) : -Infinity
