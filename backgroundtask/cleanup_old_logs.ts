import type { TaskDefinition } from '../core/index.ts'
import { CLEANUP_DEFAULTS, CleanupInput, cleanUp } from './_files/cleanup.ts'

const defaults = { ...CLEANUP_DEFAULTS, include: ['**/*.log', '**/*.log.*'] }

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'cleanup_old_logs',
  name: 'Clean up old logs',
  description: 'Removes log files that have not changed for a while. Only lists them unless dry_run is false.',
  func: ctx => cleanUp(ctx, { defaults }),
  isolation: 'process',
  trigger: 'cron',
  trigger_args: { hour: 0, minute: 0 },
  enabled: false,
  max_retries: 3,
  timeout: '5m',
  type: 'maintenance',
  priority: 'low',
  tags: ['disk', 'logs'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 },
  payload: defaults,
  input: CleanupInput
}]
