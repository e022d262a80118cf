import type { ClaimAsk, Engine } from '../../../core/engine/engine.ts'
import { MINUTE } from '../../../core/model/base/duration.ts'
import { NO_DEADLINE } from '../../../core/model/run/cohort.ts'
import type { Offer } from '../../../core/model/run/cohort.ts'
import { T0 } from './fixtures.ts'

type CohortOffer = NonNullable<Offer['cohort']>

export const cohort = (more: Partial<CohortOffer> = {}): CohortOffer => ({
  task: 'a',
  queue: 'default',
  priority: 'normal',
  span: NO_DEADLINE,
  scheduled: false,
  from: 0,
  until: T0 + MINUTE,
  ...more
})

export const offer = (more: Partial<Offer> = {}): Offer => ({ rank: 0, needs: [], takes: [], ...more })

export const claim = (engine: Engine, offers: Offer[], more: Partial<ClaimAsk> = {}) =>
  engine.claim({ owner: 'me', now: T0 + MINUTE, lease_until: T0 + 2 * MINUTE, offers, pools: {}, ...more })
