import { fingerprintOf } from '../model/run/fingerprint.ts'
import type { Failure } from '../model/run/outcome.ts'
import type { Reason } from '../model/run/run.ts'

/** What a failed run failed of, by its error or, without one, by its reason. */
export const failureFingerprint = (error: Failure | null, reason: Reason | null): string =>
  fingerprintOf(error ?? { name: reason?.code ?? 'Error', message: reason?.message ?? '' })
