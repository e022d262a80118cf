import { FINAL_STATES, isFinal } from '../../../model/run/run.ts'
import type { Json } from '../../../model/base/json.ts'
import type { Reason, Run, State } from '../../../model/run/run.ts'
import type { Act, ChangeAsk, Changed, Filter } from '../../engine.ts'
import { howMany, list } from './list.ts'
import { waitingByQueue } from './queues.ts'
import { record } from './read.ts'
import { removeAll } from './remove.ts'
import { cancel, retry } from './settle.ts'
import type { Store } from '../state/store.ts'
import { term } from '../sql/condition.ts'
import type { Term } from '../sql/condition.ts'

/** Runs that one transaction changes at most. */
const SLICE = 1000

const WAITING: State[] = ['blocked', 'queued']

/** `states`: to which it can be done. `usual`: those meant when the filter names none. `more`: what else has to hold. */
interface Rule { states: State[], usual?: State[], more (now: number): Term[] }

const RULES: Record<Act, Rule> = {
  cancel: { states: [...WAITING, 'running'], more: () => [term('cancel is null')] },
  retry: { states: FINAL_STATES, usual: ['failed'], more: () => [] },
  remove: { states: FINAL_STATES, more: () => [] },
  promote: { states: WAITING, more: now => [term('due_at > ?', now)] }
}

function asked (store: Store, { filter, act, now, tasks }: ChangeAsk): { filter: Filter, terms: Term[] } {
  const { states, usual = states, more } = RULES[act]
  const state = filter.state ? filter.state.filter(word => states.includes(word)) : usual
  return { filter: { ...filter, state }, terms: tasks === undefined ? more(now) : [...more(now), ofTasks(store, tasks)] }
}

const ofTasks = (store: Store, tasks: readonly string[]): Term =>
  term('lane in (select value from json_each(?))', JSON.stringify(tasks.flatMap(task => store.lanes.ofTask(task).map(({ id }) => id))))

/** How many more may wait in the queues that are bounded; none are when nothing is queued. */
function roomOf (store: Store, { act, bounds = {} }: ChangeAsk): Map<string, number> {
  if (act !== 'retry') return new Map()
  const waiting = waitingByQueue(store)
  return new Map(Object.entries(bounds).map(([queue, most]) => [queue, Math.max(0, most - (waiting.get(queue) ?? 0))]))
}

/** What there is to change, and which of it the bounds would keep out. */
function foreseen (store: Store, ask: ChangeAsk): { matched: number, refused: Changed['refused'] } {
  const { filter, terms } = asked(store, ask)
  const refused = [...roomOf(store, ask)].map(([queue, room]) => {
    const elsewhere = filter.queue !== undefined && filter.queue !== queue
    return [queue, elsewhere ? 0 : Math.max(0, howMany(store, { ...filter, queue }, terms) - room)] as const
  })
  return { matched: howMany(store, filter, terms), refused: Object.fromEntries(refused.filter(([, many]) => many > 0)) }
}

type Call = <T>(work: (store: Store) => T) => Promise<T>

/** Does the same to many runs, slice by slice; others get their turn between two. */
export async function changeAll (ask: ChangeAsk, { read, write }: { read: Call, write: Call }): Promise<Changed> {
  const { matched, refused: ahead } = await read(store => foreseen(store, ask))
  if (ask.dry_run) return { matched, changed: 0, refused: ahead }
  const refused: Changed['refused'] = {}
  let changed = 0
  let cursor: string | null = null
  while (changed < ask.limit) {
    const begin: Begin = { changed, cursor }
    const slice = await write(store => changeSlice(store, ask, begin))
    changed += slice.count
    for (const { queue } of slice.refused) refused[queue] = (refused[queue] ?? 0) + 1
    cursor = slice.next
    if (cursor === null) break
  }
  return { matched, changed, refused }
}

interface Begin { changed: number, cursor: string | null }

/** `refused`: runs that their queues have no room for. */
interface Slice { count: number, refused: readonly Run[], next: string | null }

function changeSlice (store: Store, ask: ChangeAsk, { changed, cursor }: Begin): Slice {
  const { filter, terms } = asked(store, ask)
  const limit = Math.min(SLICE, ask.limit - changed)
  const { items, next } = list(store, { ...filter, limit, ...cursor !== null && { cursor } }, terms)
  const room = roomOf(store, ask)
  const { true: fitting = [], false: refused = [] } = Object.groupBy(items, run => String(takeRoom(room, run)) as 'true' | 'false')
  if (fitting.length === 0) return { count: 0, refused, next }
  if (ask.act === 'remove') removeAll(store, fitting)
  else for (const [index, run] of fitting.entries()) actOn(store, run, { ask, act: ask.act, place: changed + index })
  if (ask.reason) recordAll(store, ask, fitting.length)
  return { count: fitting.length, refused, next }
}

/** Takes a place in the queue of a run; false when it is bounded and has none left. */
function takeRoom (room: Map<string, number>, { queue }: Run): boolean {
  const left = room.get(queue)
  if (left === 0) return false
  if (left !== undefined) room.set(queue, left - 1)
  return true
}

const recordAll = (store: Store, { act: action, filter, reason, now }: ChangeAsk, count: number): void =>
  record(store, { at: now, by: reason?.by ?? '', action, subject: '*', detail: { filter, reason, count } as unknown as Json })

interface Doing { ask: ChangeAsk, act: Exclude<Act, 'remove'>, place: number }

function actOn (store: Store, run: Run, { ask: { now, reason, every_ms: every = 0 }, act, place }: Doing): void {
  const { id } = run
  switch (act) {
    case 'cancel': return void cancel(store, { id, now, reason: reason ?? { code: 'cancelled', message: 'Cancelled with others' } })
    case 'retry': return void retry(store, { id, now, due_at: now + place * every })
    case 'promote': return store.rewrite(run, { ...run, due_at: now, moved: null })
  }
}

/** Removes a run that is over, and records why. */
export function discard (store: Store, { id, reason, now }: { id: string, reason: Reason, now: number }): Run | null {
  const run = store.read(id)
  if (!run || !isFinal(run.state)) return run
  removeAll(store, [run])
  const { code, message, by = '' } = reason
  record(store, { at: now, by, action: 'discard', subject: id, detail: { task: run.task, state: run.state, code, message } })
  return run
}
