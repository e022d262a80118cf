import type { PastAttempt } from '../../../model/run/run.ts'
import { parsed } from './json-text.ts'

/** A row of the table attempt. */
export type AttemptRow = Omit<PastAttempt, 'error' | 'reason'> & { error: string | null, reason: string | null }

export const toAttempt = (
  { turn, attempt, started_at, finished_at, outcome, error, reason }: AttemptRow
): PastAttempt => ({ turn, attempt, started_at, finished_at, outcome, error: parsed(error), reason: parsed(reason) })
