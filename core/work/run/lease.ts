import { SECOND } from '../../model/base/duration.ts'

/** How long a claim holds without being renewed. */
export const LEASE = 30 * SECOND
