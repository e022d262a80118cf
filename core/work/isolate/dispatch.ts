import { inProcess } from './process.ts'
import { script } from './script.ts'
import type { Seams } from './executions.ts'
import type { TaskFunction, Work } from '../../model/task/task.ts'
import type { Threads } from './threads.ts'

/** The work of a task as a function, whatever executes it. */
export function workOf (work: Work, seams: Seams & { threads: Threads }): TaskFunction {
  if (work.kind === 'function') return work.func
  if (work.kind === 'script') return ctx => script(work, ctx, seams)
  return work.within === 'thread' ? ctx => seams.threads.run(work, ctx, seams) : ctx => inProcess(work, ctx, seams)
}
