import type { TaskDefinition } from '../core/index.ts'
import { CLEANUP_DEFAULTS, CleanupInput, cleanUp } from './_files/cleanup.ts'

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'cleanup_old_files',
  name: 'Clean up old files',
  description:
    'Removes files of one folder that have not changed for a while. Only lists them unless dry_run is false.',
  func: ctx => cleanUp(ctx),
  isolation: 'process',
  trigger: 'cron',
  trigger_args: { day_of_week: 'sun', hour: 3, minute: 0 },
  enabled: false,
  max_retries: 2,
  timeout: '30m',
  type: 'maintenance',
  priority: 'low',
  tags: ['disk'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 },
  payload: CLEANUP_DEFAULTS,
  input: CleanupInput
}]
