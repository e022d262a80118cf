import { createManager } from '../core/manager.ts'
import { newRun } from '../core/work/desk/request/enqueue-request.ts'
import type { ConfigFile } from '../core/model/config/config.ts'
import type { TaskDefinition } from '../core/model/task/task.ts'
import type { TaskManager } from '../core/manager.ts'
import { PAYLOAD, SLOTS } from './place.ts'

/** Gates and senses are on, with limits that the load of the bench does not reach. */
export const CONFIG: ConfigFile = {
  manager: { scheduler_thread_pool: SLOTS, max_tasks: 100_000, timezone: 'UTC', stop_grace: 5 },
  resources: { cpu_limit: 1, memory_limit: 1, io_limit: 1, network_limit: 1, disk_reserve: 0, temperature_limit: 200 },
  power: { power_profiles: { charging: { cpu_limit: 1, network_limit: 1 } } },
  log: { level: 'warn' }
}

/** The whole product on a folder, with tasks in code, not yet started. */
export async function product (folder: string, tasks: readonly TaskDefinition[], slots = SLOTS): Promise<TaskManager> {
  const config = { ...CONFIG, manager: { ...CONFIG.manager, scheduler_thread_pool: slots } }
  const manager = await createManager({ config, root: folder, files: 'none', env: {} })
  manager.registerTasks(tasks)
  return manager
}

/** Adds `count` runs of a task in one call, as `desk.bulk` does after its checks. */
export async function addRuns (manager: TaskManager, task: string, count: number): Promise<void> {
  const now = Date.now()
  const definition = manager.desk.definition(task)
  const ask = { task: definition, ask: { payload: PAYLOAD }, source: 'manual', now } as const
  await manager.engine.add(Array.from({ length: count }, () => newRun(ask)), now)
}
