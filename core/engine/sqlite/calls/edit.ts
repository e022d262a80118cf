import { inputInvalid } from '../../../model/base/errors.ts'
import type { Json } from '../../../model/base/json.ts'
import { PRIORITIES } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import { wrong } from './add.ts'
import type { EditAsk } from '../../engine.ts'
import { record } from './read.ts'
import type { Store } from '../state/store.ts'

/** Throws OFFPEAK_INPUT_INVALID when a value cannot be one of a run. */
export function checkEdit ({ priority, due_at }: EditAsk): void {
  const errors = [
    ...priority === undefined || PRIORITIES.includes(priority) ? [] : [{ pointer: '/priority', detail: wrong(priority, `one of ${PRIORITIES.join(', ')}`) }],
    ...due_at === undefined || Number.isSafeInteger(due_at) ? [] : [{ pointer: '/due_at', detail: wrong(due_at, 'an instant in ms') }]
  ]
  if (errors.length > 0) throw inputInvalid({ what: 'This run cannot be changed so', errors })
}

/** Changes a run that waits, and records who did; leaves any other. */
export function edit (store: Store, { id, now, by, priority, payload, due_at }: EditAsk): Run | null {
  const run = store.read(id)
  if (run?.state !== 'queued' && run?.state !== 'blocked') return run
  const after: Run = { ...run, priority: priority ?? run.priority, due_at: due_at ?? run.due_at, moved: due_at === undefined ? run.moved : null }
  store.rewrite(run, after)
  if (payload !== undefined) store.payloads.set(id, payload)
  const detail = { task: run.task, ...priority && { priority }, ...due_at !== undefined && { due_at }, ...payload !== undefined && { payload: true } } as Json
  record(store, { at: now, by, action: 'edit', subject: id, detail })
  return after
}
