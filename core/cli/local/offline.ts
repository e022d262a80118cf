import type { ManagerOptions, TaskManager } from '../../manager.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { Task } from '../../model/task/task.ts'
import { agoWords } from '../terminal/time-words.ts'
import { comingFires } from '../../model/schedule/schedule.ts'
import { wordsFor } from '../../model/trigger.ts'
import { createManager } from '../../manager.ts'
import { iso } from '../../model/base/clock.ts'
import { peekSchedules } from '../../engine/sqlite/file/peek-schedules.ts'
import { placeOfBroken } from '../../load/task/broken-file.ts'
import { onceSaid, placeWords } from '../../model/errors/errors.ts'
import { table } from '../terminal/table.ts'

/** Loads the configuration and the task files for the duration of `work`; nothing else is started. */
export async function withTasks<T> (
  options: ManagerOptions,
  work: (manager: TaskManager) => T | Promise<T>
): Promise<T> {
  const manager = await createManager({ ...options, files: 'once' })
  await manager.catalog.start()
  try {
    return await work(manager)
  } finally {
    await manager.catalog.stop()
  }
}

function rowOf (task: Task, schedules: readonly Schedule[], now: number): string[] {
  const { id, trigger, trigger_args, timezone } = task
  const [next] = task.enabled ? comingFires({ schedules, task, now, count: 1 }) : []
  const words = trigger === null ? 'on request' : wordsFor({ trigger, trigger_args, timezone })
  return [id, task.enabled ? 'enabled' : 'disabled', words, next === undefined ? '-' : agoWords(iso(next), now)]
}

/** Every task with its schedule in words, and the files that are broken. */
export async function scheduleTable ({ catalog, clock, folder }: TaskManager): Promise<string> {
  const schedules = Map.groupBy(peekSchedules(folder), ({ task }) => task)
  const rows = [...catalog.tasks.values()].toSorted((a, b) => a.id < b.id ? -1 : 1).map(task =>
    rowOf(task, schedules.get(task.id) ?? [], clock.now())
  )
  const broken = catalog.broken.map(one => {
    const place = placeOfBroken(one)
    return `broken: ${placeWords(place)}: ${onceSaid(one.message, place)}`
  })
  return [
    rows.length === 0
      ? `There are no tasks in ${catalog.directories.join(', ')}.`
      : table(['TASK', '', 'SCHEDULE', 'NEXT'], rows),
    ...broken
  ].join('\n')
}
