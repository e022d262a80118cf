/** The status of a task in the task list. */
export const STATUSES = ['disabled', 'paused', 'idle', 'scheduled', 'queued', 'held', 'retrying', 'running'] as const
export type Status = typeof STATUSES[number]
