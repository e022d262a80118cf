import { inProcess } from './process.ts'
import { script } from './script.ts'
import type { ExecutionPorts } from './execution-ports.ts'
import type { TaskFunction, Work } from '../../model/task/task.ts'
import type { Threads } from './threads.ts'

/** The work of a task as a function that executes it inline, in a thread or in a process. */
export function dispatch (work: Work, ports: ExecutionPorts & { threads: Threads }): TaskFunction {
  if (work.kind === 'function') return work.func
  if (work.kind === 'script') return ctx => script(work, ctx, ports)
  return work.within === 'thread' ? ctx => ports.threads.run(work, ctx, ports) : ctx => inProcess(work, ctx, ports)
}
