import type { ClaimAsk } from '../../../core/engine/engine.ts'
import { drawn, refilled, whole } from '../../../core/model/config/queue.ts'
import type { Offer } from '../../../core/model/run/cohort.ts'
import { dueOrder, rateOf } from './expected-run.ts'
import type { ExpectedRun } from './expected-run.ts'
import type { ReferenceEngine } from './reference-engine.ts'

function isOffered (reference: ReferenceEngine, { id, cohort }: Offer, run: ExpectedRun): boolean {
  if (id !== undefined) return run.id === id
  const own = reference.cohortOf(run)
  return own !== null && cohort !== undefined && run.due_at >= cohort.from && run.due_at <= cohort.until &&
    (['task', 'queue', 'priority', 'span', 'scheduled'] as const).every(name => own[name] === cohort[name])
}

/** Claims as `Engine.claim` describes. */
export function claimFrom (
  reference: ReferenceEngine,
  { owner, lease_until, offers, pools, limit = Infinity, rates = {} }: Omit<ClaimAsk, 'now'>
): ExpectedRun[] {
  const left = new Map(Object.entries(pools))
  const lower = (name: string) => {
    if (left.has(name)) left.set(name, left.get(name)! - 1)
  }
  for (const run of reference.others(owner)) for (const name of [`task/${run.task}`, `queue/${run.queue}`]) lower(name)
  const taken: ExpectedRun[] = []
  while (taken.length < limit) {
    const open = offers.filter(({ needs }) => needs.every(name => (left.get(name) ?? Infinity) >= 1))
    const starts = (queue: string) =>
      rates[queue] === undefined
        ? Infinity
        : whole(refilled(reference.buckets.get(queue), rateOf(rates[queue]), reference.now))
    const fits = (offer: Offer, run: ExpectedRun) => isOffered(reference, offer, run) && starts(run.queue) >= 1
    const found = open.flatMap(offer => reference.due().filter(run => fits(offer, run)).map(run => ({ offer, run })))
    const [first] = found.toSorted((a, b) => a.offer.rank - b.offer.rank || dueOrder(a.run, b.run))
    if (first === undefined) break
    for (const name of first.offer.takes) lower(name)
    reference.start(first.run, owner)
    const rate = rates[first.run.queue]
    first.run.rated = rate !== undefined
    if (rate) {
      reference.buckets.set(first.run.queue, drawn(reference.buckets.get(first.run.queue), rateOf(rate), reference.now))
    }
    taken.push(first.run)
  }
  if (taken.length > 0) reference.renew(owner, lease_until)
  return taken
}
