import type { State } from '../../model/run/run.ts'

/** The exit code of a command that waited for a run, by the final state of the run. */
export const EXIT_CODES: Partial<Record<State, number>> = { completed: 0, failed: 1, cancelled: 3, skipped: 4 }
