import { AsyncLocalStorage } from 'node:async_hooks'
import { RunOutput } from './run-output.ts'
import type { TaskContext, TaskLog } from '../../model/task/context.ts'

/** The run for which code is executing. Output to the standard streams and uncaught errors of callbacks are attributed
 *  to it. */
interface Scope {
  id: string
  task: string
  output?: RunOutput
}

export const runScope = new AsyncLocalStorage<Scope>()

/** The scope of the run of a context. Its output is written to `log`, even if the task changes its context. */
export function scopeOf ({ run_id: id, task }: TaskContext, log: () => TaskLog): Required<Scope> {
  let made: TaskLog | undefined
  return { id, task, output: new RunOutput(() => made ??= log()) }
}

/** Executes work of offpeak that a task requested outside the scope of its run. */
export const outsideRun = <T>(work: () => T): T => runScope.exit(work)
