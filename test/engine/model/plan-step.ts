import { deepEqual } from 'node:assert/strict'
import { isFinal } from '../../../core/model/run/run.ts'
import type { NewRun } from '../../../core/model/run/run.ts'
import { fire, schedule } from '../contract/fixtures.ts'
import type { ReferenceEngine } from './reference-engine.ts'
import { act, reasonOf } from './steps.ts'
import type { Step } from './steps.ts'
import { isWaiting } from './expected-run.ts'

export const plan: Step = (world, draw) => {
  const { engine, reference } = world
  const other = draw.among(world.batched ? [] : reference.runs.filter(({ state }) => !isFinal(state)))
  const id = draw.of(['a', 'b'])
  const overlap = draw.of(['skip', 'queue', 'replace', 'allow'] as const)
  const from = draw.below(5) === 4 ? 5 : reference.cursors.get(id) ?? null
  const fires = Array.from({ length: 1 + draw.below(2) }, () => {
    const at = reference.now - draw.below(3)
    return fire(at, {
      task: id,
      schedule: id,
      missed: draw.below(2),
      ...draw.of([() => ({}), () => ({}), () => ({ skipped: reasonOf('missed') }),
        () => other ? { after: [{ run: other.id, condition: 'done' as const }] } : {}])()
    })
  })
  const cursor = reference.now + draw.below(3)
  return act(
    () => engine.plan([{ schedule: schedule({ id, task: id, cursor }), from, fires, overlap, now: reference.now }]),
    ([planned]) => {
      const stored = reference.cursors.get(id) ?? null
      const applied = from === null || stored === from
      deepEqual([planned!.applied, planned!.stored?.cursor ?? null], [applied, applied ? cursor : stored])
      if (!applied) {
        return deepEqual([planned!.added, planned!.skipped, planned!.coalesced, planned!.replaced], [[], [], 0, []])
      }
      reference.cursors.set(id, cursor)
      const fresh = [...planned!.added, ...planned!.skipped].map(run => run.id).toSorted()
      const expected = { added: 0, skipped: 0, coalesced: 0, replaced: 0 }
      for (const one of fires) expected[fired(reference, one, { overlap, fresh, count: expected })] += 1
      deepEqual({
        added: planned!.added.length,
        skipped: planned!.skipped.length,
        coalesced: planned!.coalesced,
        replaced: planned!.replaced.length
      }, expected)
    }
  )
}

interface Firing {
  overlap: 'skip' | 'queue' | 'replace' | 'allow'
  fresh: string[]
  count: { added: number, skipped: number, coalesced: number, replaced: number }
}

const linksOf = ({ after = [] }: NewRun) =>
  after.map(({ run: id, condition }) => ({ id, ref: null, condition, counted: null, result: null }))

/** Fires once as the overlap policy requires; counts the replaced runs and returns the result. */
function fired (
  reference: ReferenceEngine,
  one: NewRun,
  { overlap, fresh, count }: Firing
): 'added' | 'skipped' | 'coalesced' {
  if (reference.named(one.task, one.key)) {
    // A fire whose run exists is neither added nor skipped.
    count.added -= 1
    return 'added'
  }
  const open = reference.runs.filter(({ schedule: of, state }) => of === one.schedule && !isFinal(state))
  let skipped = one.skipped
  if (overlap === 'replace' && !skipped) {
    for (const run of open.filter(({ cancel }) => cancel === null)) {
      reference.cancel(run, 'replaced')
      count.replaced += 1
    }
  }
  if (overlap === 'skip' && !skipped) {
    const waiting = open.find(isWaiting)
    if (waiting) {
      waiting.missed += 1 + (one.missed ?? 0)
      return 'coalesced'
    }
    if (open.length > 0) skipped = reasonOf('overlap')
  }
  const run = reference.born(skipped ? { ...one, skipped } : one, fresh.shift() ?? '')
  if (skipped) return 'skipped'
  if (run.state === 'blocked') run.links = linksOf(one)
  // Its prerequisite may have ended in the same call, so dependents are updated before the next fire.
  if (run.links.length > 0) reference.follow()
  return 'added'
}
