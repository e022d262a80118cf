import { SECOND } from '../../model/base/duration.ts'

/** How long a claim is valid without renewal, ms. */
export const LEASE = 30 * SECOND
