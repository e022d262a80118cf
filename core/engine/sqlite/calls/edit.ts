import type { Json } from '../../../model/json/json.ts'
import type { Run } from '../../../model/run/run.ts'
import type { EditAsk } from '../../engine.ts'
import { withChanges } from '../../transitions.ts'
import { writeRecord } from '../rows/audit-records.ts'
import type { Tables } from '../state/tables.ts'

/** Edits a waiting run and records who did it; any other run is unchanged. */
export function edit (
  tables: Tables,
  { id, now, by, priority, payload, due_at, run_now: hurried, record: note }: EditAsk
): Run | null {
  const run = tables.read(id)
  if (run?.state !== 'queued' && run?.state !== 'blocked') return run
  const isSame = priority === undefined && due_at === undefined && hurried === undefined
  const after = isSame
    ? run
    : withChanges(
      run,
      {
        priority: priority ?? run.priority,
        due_at: due_at ?? run.due_at,
        moved: due_at === undefined ? run.moved : null,
        now: hurried ?? run.now
      }
    )
  if (after !== run) tables.save(run, after)
  if (payload !== undefined) tables.payloads.set(id, payload)
  const detail = {
    task: run.task,
    ...priority && { priority },
    ...due_at !== undefined && { due_at },
    ...payload !== undefined && { payload: true }
  } as Json
  writeRecord(tables, { action: 'edit', detail, ...note, at: now, by, subject: id })
  tables.memory.emit({ kind: 'edited', run: { ...after }, by })
  return after
}
