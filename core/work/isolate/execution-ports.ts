import type { ChildSink } from './processes/spawn.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { ContextOptions } from '../context/context.ts'
import type { Failure } from '../../model/run/outcome.ts'
import type { Usage } from '../../model/run/usage.ts'

/** The ports of work that is executed outside this thread. */
export interface ExecutionPorts {
  /** The options of the context of the run. */
  given: ContextOptions
  child: ChildSink
  clock: Clock
  /** How long a run may take to stop before it is killed, ms. */
  graceMs: number
  /** Called with an error that nobody caught. */
  uncaught: (error: Failure) => void
  /** Called with the resource usage of the work; null when it is not known. */
  used: (used: Usage | null) => void
}
