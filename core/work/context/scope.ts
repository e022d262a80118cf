import { AsyncLocalStorage } from 'node:async_hooks'
import { RunOutput } from './run-output.ts'
import type { TaskContext, TaskLog } from '../../model/task/context.ts'

/** The run on whose behalf code is executing: what it writes to the standard streams, and what is thrown too late or in
 *  a callback, still finds its run through it. */
interface Scope {
  id: string
  task: string
  output?: RunOutput
}

export const runScope = new AsyncLocalStorage<Scope>()

/** The scope of the run that a context belongs to; what it writes goes to `log`, whatever the task makes of its
 *  context. */
export function scopeOf ({ run_id: id, task }: TaskContext, log: () => TaskLog): Required<Scope> {
  let made: TaskLog | undefined
  return { id, task, output: new RunOutput(() => made ??= log()) }
}

/** Does the work of offpeak that a task has asked for: what follows from it is not of the run. */
export const outsideRun = <T>(work: () => T): T => runScope.exit(work)
