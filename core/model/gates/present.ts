import type { Gate, GateInput } from '../conditions/gate.ts'

/** Whether a task has the run's id. */
export const isPresent = ({ task }: Pick<GateInput, 'task'>): boolean => task !== undefined

/** Closed while no task has the run's id: its file is gone or broken. */
export const present: Gate = ({ task, run }) => ({
  gate: 'task',
  ok: isPresent({ task }),
  code: task === undefined ? 'task_missing' : 'ok',
  message: task === undefined
    ? `no task has the id '${run.task}': its file is gone or broken`
    : `defined in ${task.source}`,
  observed: task?.source ?? null,
  required: 'a definition',
  clears_at: null,
  certain: true,
  source: 'tasks directory'
})
