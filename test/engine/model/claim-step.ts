import { deepEqual } from 'node:assert/strict'
import type { ClaimAsk } from '../../../core/engine/engine.ts'
import type { Offer } from '../../../core/model/run/cohort.ts'
import { PRIORITIES } from '../../../core/model/run/run.ts'
import { comparable, wanted } from './compare.ts'
import { LEASE, act, ownerOf } from './steps.ts'
import type { Step } from './steps.ts'
import type { Draw } from './random-draw.ts'
import type { ExpectedRun } from './expected-run.ts'
import type { ReferenceEngine } from './reference-engine.ts'
import { claimFrom } from './reference-claim.ts'

const OFFERED = ['task', 'queue', 'priority', 'span', 'scheduled'] as const

const POOLS: Record<string, number>[] = [
  { slots: 3 },
  { 'slots': 9, 'task/a': 1, 'task/b': 2 },
  { 'slots': 2, 'queue/q': 2, 'few': 1 },
  { few: 2 }
]

/** The cohorts of all waiting runs, each once. */
const cohortsOf = (reference: ReferenceEngine) => [
  ...new Map(
    reference.runs.flatMap(run => reference.cohortOf(run) ?? []).map(
      cohort => [OFFERED.map(word => cohort[word]).join(), cohort]
    )
  ).values()
]

/** Offers of about three quarters of the cohorts and single runs. */
function drawOffers (reference: ReferenceEngine, draw: Draw): Offer[] {
  const pooled = (task: string, queue: string) =>
    draw.of<string[]>([[], ['slots'], ['slots', `task/${task}`], ['slots', `queue/${queue}`, 'few']])
  const offer = (task: string, queue: string, priority: ExpectedRun['priority']) => ({
    rank: draw.of([0, PRIORITIES.indexOf(priority)]),
    needs: pooled(task, queue),
    takes: pooled(task, queue)
  })
  const { now } = reference
  const range = () =>
    draw.of([
      { from: 0, until: now },
      { from: 0, until: now + 99 },
      { from: now - 5, until: now },
      { from: 0, until: now - 3 }
    ])
  return [
    ...cohortsOf(reference).filter(() => draw.below(4) > 0).map(cohort => ({
      cohort: { ...cohort, ...range() },
      ...offer(cohort.task, cohort.queue, cohort.priority)
    })),
    ...reference.singles().filter(() => draw.below(4) > 0).map(({ id, task, queue, priority }) => ({
      id,
      ...offer(task, queue, priority)
    }))
  ]
}

/** Claims from random offers, with pools that are too small for all of them. */
export const claim: Step = (world, draw) => {
  const { engine, reference } = world
  const owner = draw.of([ownerOf(world), ownerOf(world), 'other'])
  const offers = drawOffers(reference, draw)
  const pools = draw.of(POOLS)
  const asks: ClaimAsk = {
    owner,
    now: reference.now,
    lease_until: reference.now + LEASE,
    offers: draw.below(2) === 0 ? offers : offers.toReversed(),
    pools,
    ...draw.below(3) === 2 && { limit: 2 },
    ...draw.below(3) === 2 && { rates: { q: { count: 2, per_ms: 40 } } }
  }
  return act(() => engine.claim(asks), found => {
    const taken = claimFrom(reference, asks)
    deepEqual(found.map(comparable), taken.map(run => wanted(run, reference)))
    for (const [index, run] of taken.entries()) {
      const { payload, checkpoint, results, offer: place } = found[index]!
      const expected = Object.fromEntries(
        run.links.map(({ id, ref, result }) => [ref ?? id, (reference.find(id) ?? { result }).result])
      )
      deepEqual([payload, checkpoint, results ?? {}], [run.payload, run.checkpoint, expected])
      const offered = offers.length > 0 && (asks.offers[place]!.id ?? null)
      deepEqual(offered, run.single ? run.id : null, 'by its own offer')
    }
  })
}
