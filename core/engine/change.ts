import { FINAL_STATES, isFinal } from '../model/run.ts'
import type { Json } from '../model/json.ts'
import type { Reason, Run, State } from '../model/run.ts'
import type { Act, ChangeAsk, Changed, Filter } from './engine.ts'
import { howMany, list, term } from './list.ts'
import type { Term } from './list.ts'
import { record } from './read.ts'
import { removeAll } from './remove.ts'
import { cancel, retry } from './settle.ts'
import type { Store } from './store.ts'

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

function asked ({ filter, act, now }: ChangeAsk): { filter: Filter, terms: Term[] } {
  const { states, usual = states, more } = RULES[act]
  const state = filter.state ? filter.state.filter(word => states.includes(word)) : usual
  return { filter: { ...filter, state }, terms: more(now) }
}

type Call = <T>(work: (store: Store) => T) => Promise<T>

/** Does the same to many runs, slice by slice; others get their turn between two. */
export async function changeAll (ask: ChangeAsk, { read, write }: { read: Call, write: Call }): Promise<Changed> {
  const matched = await read(store => {
    const { filter, terms } = asked(ask)
    return howMany(store, filter, terms)
  })
  let changed = 0
  let cursor: string | null = null
  while (!ask.dry_run && changed < ask.limit) {
    const begin: Begin = { changed, cursor }
    const slice = await write(store => changeSlice(store, ask, begin))
    changed += slice.count
    cursor = slice.next
    if (cursor === null) break
  }
  return { matched, changed }
}

interface Begin { changed: number, cursor: string | null }

function changeSlice (store: Store, ask: ChangeAsk, { changed, cursor }: Begin): { count: number, next: string | null } {
  const { filter, terms } = asked(ask)
  const limit = Math.min(SLICE, ask.limit - changed)
  const { items, next } = list(store, { ...filter, limit, ...cursor !== null && { cursor } }, terms)
  if (items.length === 0) return { count: 0, next }
  if (ask.act === 'remove') removeAll(store, items)
  else for (const [index, run] of items.entries()) actOn(store, run, { ask, act: ask.act, place: changed + index })
  if (ask.reason) recordAll(store, ask, items.length)
  return { count: items.length, next }
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
