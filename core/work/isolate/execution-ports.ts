import type { ChildSink } from './spawn.ts'
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
  /** How long a run that was told to stop may take before it is ended. */
  graceMs: number
  /** Told of an error that nobody caught. */
  uncaught: (error: Failure) => void
  /** Told what the work has taken, null when nobody could see. */
  used: (used: Usage | null) => void
}
