import { inputInvalid } from '../model/errors.ts'
import type { Detail } from '../model/errors.ts'
import { PRIORITIES, SOURCES } from '../model/run.ts'
import type { NewRun, Run } from '../model/run.ts'
import { validId } from '../model/task.ts'
import type { Added } from './engine.ts'
import { born } from './laws.ts'
import { nameOf } from './rows.ts'
import type { RunRow } from './rows.ts'
import type { Store } from './store.ts'

const RULES: [keyof NewRun, string, (ask: NewRun) => boolean][] = [
  ['task', 'is not a task id', ({ task }) => validId(task)],
  ['queue', 'is not the id of a queue', ({ queue }) => validId(queue)],
  ['priority', `is not one of ${PRIORITIES.join(', ')}`, ({ priority }) => PRIORITIES.includes(priority)],
  ['source', `is not one of ${SOURCES.join(', ')}`, ({ source }) => SOURCES.includes(source)],
  ['due_at', 'is not an instant in ms', ({ due_at }) => Number.isSafeInteger(due_at)],
  ['nominal_at', 'is not an instant in ms', ({ nominal_at }) => nominal_at === undefined || Number.isSafeInteger(nominal_at)],
  ['deadline_at', 'is not an instant in ms', ({ deadline_at = null }) => deadline_at === null || Number.isSafeInteger(deadline_at)],
  ['max_retries', 'is not a count', ({ max_retries }) => Number.isSafeInteger(max_retries) && max_retries >= 0],
  ['missed', 'is not a count', ({ missed }) => missed === undefined || (Number.isSafeInteger(missed) && missed >= 0)]
]

/** Throws OFFPEAK_INPUT_INVALID with every fault of the runs that are asked for. */
export function checkNew (runs: readonly NewRun[]): void {
  const errors: Detail[] = []
  for (const [index, ask] of runs.entries()) {
    for (const [field, detail, holds] of RULES) {
      if (!holds(ask)) errors.push({ pointer: `/${index}/${field}`, detail })
    }
  }
  if (errors.length > 0) throw inputInvalid({ what: 'These runs cannot be added', errors })
}

/** The run that has this task and key, or null. */
export function named (store: Store, { task, key }: Pick<NewRun, 'task' | 'key'>): Run | null {
  const name = nameOf(task, key)
  if (name === null) return null
  const row = store.one<RunRow>('select * from run where name = ?', name)
  return row ? store.toRun(row) : null
}

/** Inserts one run, unless one has its task and key already. */
export function addOne (store: Store, ask: NewRun, now: number): Added {
  const known = named(store, ask)
  if (known) return { run: known, created: false }
  const run = born(ask, store.nextId(now), now)
  store.insert(run)
  if (ask.payload !== undefined && ask.payload !== null) store.setPart('payload', run.id, ask.payload)
  return { run, created: true }
}

export const add = (store: Store, runs: readonly NewRun[], now: number): Added[] => runs.map(run => addOne(store, run, now))
