import type { ManagerOptions, TaskManager } from '../manager.ts'
import type { Task } from '../model/task.ts'
import { agoWords } from './words.ts'
import { compileTrigger, wordsFor } from '../model/trigger.ts'
import { createManager } from '../manager.ts'
import { iso } from '../model/clock.ts'
import { placeWords } from '../model/errors.ts'
import { table } from './table.ts'

/** Reads the configuration and the task files, without starting anything, for as long as `work` takes. */
export async function withTasks<T> (options: ManagerOptions, work: (manager: TaskManager) => T | Promise<T>): Promise<T> {
  const manager = await createManager({ ...options, files: 'once' })
  await manager.catalog.start()
  try {
    return await work(manager)
  } finally {
    await manager.catalog.stop()
  }
}

function rowOf (task: Task, now: number): string[] {
  if (task.trigger === null) return [task.id, task.enabled ? 'enabled' : 'disabled', 'on request', '-']
  const spec = { ...task, trigger: task.trigger }
  const next = task.enabled ? compileTrigger(spec, now).next(now) : null
  return [task.id, task.enabled ? 'enabled' : 'disabled', wordsFor({ trigger: spec.trigger, trigger_args: spec.trigger_args, timezone: spec.timezone }), next === null ? '-' : agoWords(iso(next), now)]
}

/** Every task with its schedule in words, and the files that are broken. */
export async function scheduleTable ({ catalog, clock }: TaskManager): Promise<string> {
  const rows = [...catalog.tasks.values()].toSorted((a, b) => a.id < b.id ? -1 : 1).map(task => rowOf(task, clock.now()))
  const broken = catalog.broken.map(({ message, ...place }) => `broken: ${placeWords(place)}: ${message}`)
  return [rows.length === 0 ? `There are no tasks in ${catalog.directory}.` : table(['TASK', '', 'SCHEDULE', 'NEXT'], rows), ...broken].join('\n')
}
