import { script } from './script.ts'
import type { ChildSink } from './script.ts'
import type { TaskFunction, Work } from '../model/task.ts'

/** The work of a task as a function, whatever executes it. */
export const workOf = (work: Work, child: ChildSink): TaskFunction =>
  work.kind === 'function' ? work.func : ctx => script(work, ctx, child)
