import type { Client } from './client.ts'
import type { TaskView } from './answers.ts'

/** The time zone of the schedule of a task; null: it has none, or the task is gone. */
export const zoneOf = async (client: Client, task: string): Promise<string | null> =>
  await client.get<TaskView>(`/api/tasks/${encodeURIComponent(task)}`).then(({ trigger }) => trigger?.timezone ?? null,
    () => null)

/** The time zones of the schedules of all tasks. */
export async function zonesOfTasks (client: Client): Promise<Map<string, string>> {
  const tasks = await client.get<TaskView[]>('/api/tasks').catch(() => [])
  return new Map(tasks.flatMap(({ id, trigger }) => trigger === null ? [] : [[id, trigger.timezone]]))
}
