import type { Json } from '../../../model/base/json.ts'
import type { Run } from '../../../model/run/run.ts'
import type { EditAsk } from '../../engine.ts'
import { changed } from '../../transitions.ts'
import { record } from './records.ts'
import type { Tables } from '../state/tables.ts'

/** Changes a run that waits, and records who did; leaves any other. */
export function edit (tables: Tables, { id, now, by, priority, payload, due_at }: EditAsk): Run | null {
  const run = tables.read(id)
  if (run?.state !== 'queued' && run?.state !== 'blocked') return run
  const after = priority === undefined && due_at === undefined
    ? run
    : changed(run, { priority: priority ?? run.priority, due_at: due_at ?? run.due_at, moved: due_at === undefined ? run.moved : null })
  if (after !== run) tables.save(run, after)
  if (payload !== undefined) tables.payloads.set(id, payload)
  const detail = { task: run.task, ...priority && { priority }, ...due_at !== undefined && { due_at }, ...payload !== undefined && { payload: true } } as Json
  record(tables, { at: now, by, action: 'edit', subject: id, detail })
  return after
}
