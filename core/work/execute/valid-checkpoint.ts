import { isChanged, opened } from '../../model/run/checkpoint.ts'
import type { Active } from './active-runs.ts'
import type { Claimed, Engine } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Listener } from '../../model/notice.ts'
import type { TaskLog } from '../../model/task/context.ts'

/** Returns the run without its checkpoint when another version of the definition saved it and `on_changed` is
 *  `restart`, else unchanged. */
export function withValidCheckpoint (
  { run, task, lease }: Active,
  log: () => TaskLog,
  { engine, clock, notice }: { engine: Engine, clock: Clock, notice: Listener }
): Claimed {
  if (task.on_changed !== 'restart' || !isChanged(run.checkpoint, task.version)) return run
  const saved = opened(run.checkpoint).version
  notice({ kind: 'begun_anew', id: run.id, task: task.id, saved, version: task.version })
  log().info({ saved, version: task.version }, 'begins without its checkpoint: the definition has changed since')
  // If this write fails, the next attempt drops the checkpoint again.
  engine.report({ lease, now: clock.now(), checkpoint: null }).catch(() => undefined)
  return { ...run, checkpoint: null }
}
