import { script } from './script.ts'
import type { Child } from '../model/run.ts'
import type { TaskFunction, Work } from '../model/task.ts'

/** Told of the process that does the work, and null when it is over. */
export type ChildSink = (child: Child | null) => Promise<unknown>

/** The work of a task as a function, whatever executes it. */
export const workOf = (work: Work, child: ChildSink): TaskFunction =>
  work.kind === 'function' ? work.func : ctx => script(work, ctx, child)
