import type { TaskContext, TaskDefinition } from '../core/index.ts'

interface Sweeper {
  sweep(): Promise<number>
}

const isSweeper = (service: unknown): service is Sweeper =>
  typeof (service as Partial<Sweeper> | null | undefined)?.sweep === 'function'

async function cleanupOldRuns (ctx: TaskContext): Promise<unknown> {
  const { offpeak } = ctx.services
  if (!isSweeper(offpeak)) return ctx.skip('The host does not provide the service offpeak.sweep')
  const removed = await offpeak.sweep()
  ctx.log.info({ removed }, 'old runs removed')
  return { removed }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'cleanup_old_runs',
  name: 'Clean up old runs',
  description: 'Removes finished runs beyond the limits of retention in config.json.',
  func: cleanupOldRuns,
  trigger: 'cron',
  trigger_args: { hour: 4, minute: 30 },
  enabled: true,
  max_retries: 2,
  timeout: '10m',
  type: 'maintenance',
  priority: 'low',
  tags: ['disk'],
  // It is most useful when the disk is full.
  constraints: { disk_free: 0 }
}]
