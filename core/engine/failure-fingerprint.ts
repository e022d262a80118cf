import { fingerprintOf } from './fingerprint.ts'
import type { Failure } from '../model/run/outcome.ts'
import type { Reason } from '../model/run/run.ts'

/** The fingerprint of a failed run's error or, without one, of its reason. */
export const failureFingerprint = (error: Failure | null, reason: Reason | null): string =>
  fingerprintOf(error ?? { name: reason?.code ?? 'Error', message: reason?.message ?? '' })
