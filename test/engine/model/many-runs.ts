import { deepEqual, ok } from 'node:assert/strict'
import type { BulkAction as Change } from '../../../core/engine/engine.ts'
import type { RunFilter } from '../../../core/engine/reports.ts'
import { isFinal } from '../../../core/model/run/run.ts'
import type { State } from '../../../core/model/run/run.ts'
import { act, reasonOf } from './steps.ts'
import type { Step } from './steps.ts'
import { isWaiting } from './expected-run.ts'
import type { ExpectedRun } from './expected-run.ts'
import { add, flow, name, refused } from './add-steps.ts'
import { claim } from './claim-step.ts'
import { plan } from './plan-step.ts'

const ABLE: Record<Change, (run: ExpectedRun, now: number) => boolean> = {
  cancel: run => isWaiting(run) || (run.state === 'running' && run.cancel === null),
  retry: ({ state }) => isFinal(state),
  remove: ({ state }) => isFinal(state),
  promote: (run, now) => isWaiting(run) && run.due_at > now
}

const FILTERS: readonly RunFilter[] = [
  {},
  { task: 'a' },
  { queue: 'r' },
  { task: 'b', queue: 'q' },
  { state: ['failed', 'queued'] },
  { source: 'schedule' },
  { schedule: 'a', state: ['skipped', 'running', 'blocked'] }
]

const change: Step = ({ engine, reference, batched = false }, draw) => {
  const what = draw.of(['cancel', 'retry', 'remove', 'promote'] as const)
  const filter = draw.of(FILTERS)
  const [limit, every, dry] = [draw.of([2, 1, 5, 1000]), draw.of([0, 7]), draw.below(5) === 4 && !batched]
  const states: readonly State[] | undefined = filter.state ?? (what === 'retry' ? ['failed'] : undefined)
  const fits = (run: ExpectedRun) =>
    (!states || states.includes(run.state)) && (!filter.task || run.task === filter.task) &&
    (!filter.queue || run.queue === filter.queue) && (!filter.source || run.source === filter.source) &&
    (!filter.schedule || run.schedule === filter.schedule)
  return act(
    () =>
      engine.change({
        filter,
        act: what,
        now: reference.now,
        limit,
        dry_run: dry,
        reason: reasonOf('all'),
        every_ms: every
      }),
    ({ matched, runs }) => {
      const able = reference.runs.filter(run => ABLE[what](run, reference.now) && fits(run)).toReversed()
      const meant = dry ? [] : able.slice(0, limit)
      deepEqual([matched, runs.map(({ id }) => id)], [able.length, meant.map(({ id }) => id)], what)
      if (meant.length > 0) reference.records += 1
      for (const [place, run] of meant.entries()) {
        if (what === 'cancel') reference.cancel(run, 'all')
        else if (what === 'retry') reference.retry(run, reference.now + place * every)
        else if (what === 'remove') reference.remove(run)
        else {
          reference.alone(run)
          run.due_at = reference.now
        }
      }
    }
  )
}

/** Sweeps either a few old runs, or all of them and those beyond the newest. The engine decides which of the old runs
 *  are removed. */
export const sweep: Step = ({ engine, reference }, draw) => {
  const dead = draw.of([undefined, reference.now - 40])
  const wished = reference.now - draw.of([100, 30])
  // The age of a run that ended before its creation, because the clock was set back, is undefined.
  const odd = reference.runs.some(({ created_at: made, finished_at: over }) =>
    over !== null && [wished, dead].some(at => at !== undefined && made >= at && over < at)
  )
  const before = odd ? 0 : wished
  const dead_before = odd && dead !== undefined ? 0 : dead
  const isOld = ({ state, finished_at: over }: ExpectedRun) =>
    isFinal(state) && over! < (state === 'failed' && dead_before !== undefined ? dead_before : before)
  const few = draw.below(2) === 0
  const [limit, keep] = few ? [1 + draw.below(3), 10_000] : [10_000, draw.of([10_000, 8, 2])]
  const old = reference.runs.filter(isOld)
  const rest = reference.runs.filter(run =>
    isFinal(run.state) && !isOld(run) && (run.state !== 'failed' || dead_before === undefined)
  )
  const beyond = ['a', 'b'].flatMap(task => rest.filter(run => run.task === task).toReversed().slice(keep))
  const gone = [...old, ...beyond]
  return act(async () => {
    const count = await engine.sweep({
      now: reference.now,
      before,
      keep,
      limit,
      ...dead_before !== undefined && { dead_before }
    })
    return { count, left: await Promise.all(gone.map(async ({ id }) => await engine.get(id) !== null)) }
  }, ({ count, left }) => {
    deepEqual(count, Math.min(limit, gone.length), 'swept')
    for (const [index, run] of gone.entries()) if (!left[index]) reference.remove(run)
    ok(left.filter(is => !is).length === count, 'removed runs were allowed to be')
  })
}

/** Steps that concern many runs. */
export const MANY_RUN_STEPS: Record<string, Step> = { add, name, flow, refused, claim, plan, change }
