import { AsyncLocalStorage } from 'node:async_hooks'
import { RunOutput } from './run-output.ts'
import type { TaskContext } from '../../model/task/context.ts'

/** The run on whose behalf code is executing: what it writes to the standard streams, and what is thrown too late or in a callback, still finds
 *  its run through it. */
export interface Scope { id: string, task: string, output?: RunOutput }

export const runScope = new AsyncLocalStorage<Scope>()

/** The scope of the run that a context belongs to. */
export const scopeOf = (ctx: TaskContext): Required<Scope> => ({ id: ctx.run_id, task: ctx.task, output: new RunOutput(() => ctx.log) })

/** Does the work of offpeak that a task has asked for: what follows from it is not of the run. */
export const outsideRun = <T>(work: () => T): T => runScope.exit(work)
