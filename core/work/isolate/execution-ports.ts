import type { ChildSink } from './processes/spawn.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { ContextOptions } from '../context/context.ts'
import type { Failure } from '../../model/run/outcome.ts'
import type { Usage } from '../../model/run/usage.ts'

/** What work needs that is not executed in this thread. */
export interface ExecutionPorts {
  /** What the context of the run was made of. */
  given: ContextOptions
  child: ChildSink
  clock: Clock
  /** How long a run may take to stop before it is killed, ms. */
  graceMs: number
  /** Called with an error that nobody caught. */
  uncaught: (error: Failure) => void
  /** Called with what the work has used; null when that is not known. */
  used: (used: Usage | null) => void
}
