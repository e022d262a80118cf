/** What the task list calls a task. */
export const STATUSES = ['disabled', 'idle', 'scheduled', 'queued', 'held', 'retrying', 'running'] as const
export type Status = typeof STATUSES[number]
