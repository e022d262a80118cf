import type { State } from './run.ts'

/** How the last run of a task ended that says something of it. `chain`: the ids of the runs that caused it, its own last. */
export interface Ending { state: State, at: number, chain: readonly string[], message: string | null }

/** What a task that others depend on has done. `pending`: a run of it is due, running or to be tried again. */
export interface Prior { pending: boolean, last: Ending | null }

/** The code of a dependency that can no longer be met. */
export const DEPENDENCY_FAILED = 'dependency_failed'
