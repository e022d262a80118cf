import { isSuspect, sharesOf, waitAfterCrash } from '../../../core/model/run/crash-suspect.ts'
import type { Share } from '../../../core/model/run/crash-suspect.ts'
import { SECOND } from '../../../core/model/base/duration.ts'
import { isFinal } from '../../../core/model/run/run.ts'
import type { Condition, Hold, NewRun, Priority, Source, State } from '../../../core/model/run/run.ts'
import type { Json } from '../../../core/model/json/json.ts'
import type { Usage } from '../../../core/model/run/usage.ts'

/** `counted`: the final state of the prerequisite, or null. `waived`: any final state is accepted. `result`: that of a
 *  removed prerequisite. */
interface Link {
  id: string
  ref: string | null
  condition: Condition
  counted: State | null
  result: Json
  waived?: boolean
}

/** A run as the reference expects it: reasons by their code, errors by their message, the child by its pid. `own`:
 *  entries of its own timeline, the first `past` of which belong to finished waits. `rated`: its start is known to
 *  have taken a token of a rate. `countedTo`: the instant up to which its wait in the cohort is summed, or null. */
export interface ExpectedRun {
  id: string
  task: string
  queue: string
  priority: Priority
  state: State
  source: Source
  schedule: string | null
  key: string | null
  due_at: number
  nominal_at: number
  attempt: number
  max_retries: number
  turn: number
  crashes: number
  missed: number
  owner: string | null
  created_at: number
  started_at: number | null
  finished_at: number | null
  deadline_at: number | null
  expires: boolean
  now: boolean
  single: boolean
  preempted: number
  cancel: string | null
  reason: string | null
  error: string | null
  child: number | null
  until: 'started' | 'finished' | number | null
  free: boolean
  displaced: boolean
  links: Link[]
  payload: Json
  result: Json
  checkpoint: Json
  used: Usage | null
  attempts: { turn: number, outcome: string }[]
  own: Hold[]
  past: number
  lines: string[]
  rated: boolean
  countedTo: number | null
}

export interface Sum {
  completed: number
  failed: number
  cancelled: number
  skipped: number
  retries: number
  cpu: number
}

export const isWaiting = ({ state }: ExpectedRun): boolean => state === 'queued' || state === 'blocked'

export const isScheduled = ({ source }: ExpectedRun) => source === 'schedule' || source === 'catch_up'

/** By due time, then id. */
export const dueOrder = (a: ExpectedRun, b: ExpectedRun): number => a.due_at - b.due_at || (a.id < b.id ? -1 : 1)

/** The order of single runs. */
export const singleOrder = (a: ExpectedRun, b: ExpectedRun): number =>
  Number(b.now) - Number(a.now) || (a.deadline_at ?? Infinity) - (b.deadline_at ?? Infinity) || dueOrder(a, b)

/** The end of the wait of a run of a cohort; null: it still waits. A run that ended without an attempt waited until its
 *  end. */
export function waitedUntil (
  { state, attempt, crashes, started_at: started, finished_at: finished }: ExpectedRun
): number | null {
  if (state === 'queued') return null
  return finished !== null && attempt === 0 && crashes === 0 ? finished : started ?? finished
}

export const rateOf = ({ count, per_ms: per }: { count: number, per_ms: number }) => ({
  limit: count,
  per: per / SECOND
})

/** The shares of runs in the ends of their owners. */
export function sharesIn (lost: readonly ExpectedRun[], cap: number): [ExpectedRun, Share][] {
  const shares = new Map(
    [...Map.groupBy(lost, run => run.owner)].map((
      [owner, own]
    ) => [owner, sharesOf(own, { crash_cap: cap, blame: null })])
  )
  return lost.map(run => [run, shares.get(run.owner)!(run)])
}

/** The earliest next start of a run after a crash; -Infinity when it is not a suspect. */
export const waitedAfter = ({ crashes }: ExpectedRun, cap: number, now: number): number =>
  isSuspect({ crashes }, cap) ? now + waitAfterCrash(crashes, cap) : -Infinity

/** The initial values of a run that do not depend on the request. */
const unstarted = () => ({
  attempt: 0,
  turn: 0,
  crashes: 0,
  preempted: 0,
  owner: null,
  started_at: null,
  cancel: null,
  error: null,
  child: null,
  free: false,
  displaced: false,
  links: [],
  result: null,
  checkpoint: null,
  used: null,
  attempts: [],
  own: [],
  past: 0,
  lines: [],
  rated: false,
  countedTo: null
})

const isSingle = ({ single, now: urgent, source, due_at: due, deadline_at: deadline }: NewRun, now: number): boolean =>
  (single ?? false) || (urgent ?? false) || source === 'catch_up' || due < now ||
  (deadline !== undefined && deadline !== null && deadline < due)

/** The run that `ask` adds. */
export function bornAs (ask: NewRun, id: string, now: number): ExpectedRun {
  const until = ask.unique?.until ?? 'kept'
  return {
    ...unstarted(),
    id,
    task: ask.task,
    queue: ask.queue,
    priority: ask.priority,
    state: ask.skipped ? 'skipped' : ask.after?.length ? 'blocked' : 'queued',
    source: ask.source,
    schedule: ask.schedule ?? null,
    key: ask.key ?? null,
    due_at: ask.due_at,
    nominal_at: ask.nominal_at ?? ask.due_at,
    max_retries: ask.max_retries,
    missed: ask.missed ?? 0,
    created_at: now,
    finished_at: ask.skipped ? now : null,
    deadline_at: ask.deadline_at ?? null,
    expires: ask.expires ?? false,
    now: ask.now ?? false,
    single: isSingle(ask, now),
    reason: ask.skipped?.code ?? null,
    until: until === 'kept' ? null : typeof until === 'number' ? now + until : until,
    payload: ask.payload ?? null
  }
}

/** The state of a run that waits again: blocked while a prerequisite is unfinished. */
export const waitsAgain = ({ links }: ExpectedRun): 'queued' | 'blocked' =>
  links.some(({ counted }) => counted === null) ? 'blocked' : 'queued'

/** The state of a run that has begun and waits again: finished prerequisites are accepted in any state. */
export function waitsOn (run: ExpectedRun): 'queued' | 'blocked' {
  for (const link of run.links) link.waived = link.counted !== null
  return waitsAgain(run)
}

/** Reads the states of prerequisites again for a retry by hand, which accepts finished ones in any state. */
export function recount (links: Link[], stateOf: (id: string) => State | undefined): void {
  for (const link of links) {
    const state = stateOf(link.id)
    if (state !== undefined) link.counted = isFinal(state) ? state : null
    link.waived = link.counted !== null
  }
}
