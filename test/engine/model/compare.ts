import { deepEqual } from 'node:assert/strict'
import type { Engine } from '../../../core/engine/engine.ts'
import { STATES, isFinal } from '../../../core/model/run/run.ts'
import type { Cohort } from '../../../core/model/run/cohort.ts'
import type { Hold, Run } from '../../../core/model/run/run.ts'
import type { ReferenceEngine } from './reference-engine.ts'
import { shown } from './expected-holds.ts'
import { isWaiting } from './expected-run.ts'
import type { ExpectedRun } from './expected-run.ts'
import { heldNow, timelineOf } from './held-sums.ts'

const SAME = [
  'id',
  'task',
  'queue',
  'priority',
  'state',
  'source',
  'schedule',
  'key',
  'due_at',
  'nominal_at',
  'attempt',
  'max_retries',
  'turn',
  'crashes',
  'missed',
  'owner',
  'created_at',
  'started_at',
  'finished_at',
  'deadline_at',
  'now',
  'single',
  'preempted'
] as const

const picked = (from: Run | ExpectedRun) => Object.fromEntries(SAME.map(name => [name, from[name]]))

/** A run of the engine in a form that can be compared with `wanted`. */
export const comparable = (run: Run) => ({
  ...picked(run),
  lease_until: run.lease_until,
  cancel: run.cancel?.code ?? null,
  reason: run.reason?.code ?? null,
  error: run.error?.message ?? null,
  child: run.child?.pid ?? null
})
export const wanted = (run: ExpectedRun, reference: ReferenceEngine) => ({
  ...picked(run),
  lease_until: run.owner === null ? null : reference.owners.get(run.owner) ?? null,
  cancel: run.cancel,
  reason: run.reason,
  error: run.error,
  child: run.child
})

async function everything (engine: Engine, limit: number): Promise<Run[]> {
  const runs: Run[] = []
  for (let cursor: string | undefined;;) {
    const { items, next } = await engine.list({ limit, ...cursor !== undefined && { cursor } })
    runs.push(...items)
    if (next === null) return runs
    cursor = next
  }
}

/** Compares the list of all runs, and the counts. */
export async function compareRuns (engine: Engine, reference: ReferenceEngine): Promise<void> {
  deepEqual((await everything(engine, 500)).map(comparable),
    reference.runs.toReversed().map(run => wanted(run, reference)))
  const counted = await engine.count()
  for (const { last } of counted) {
    if (last) {
      deepEqual(isFinal(last.state) && last.state !== 'skipped' && comparable(last),
        wanted(reference.find(last.id)!, reference), 'the run that finished last')
    }
  }
  const tasks = new Map(counted.map(({ task, states }) => [task, states]))
  for (const task of ['a', 'b']) {
    const own = reference.runs.filter(run => run.task === task)
    const states = Object.fromEntries(STATES.map(state => [state, own.filter(run => run.state === state).length]))
    deepEqual(tasks.get(task) ?? Object.fromEntries(STATES.map(state => [state, 0])), states,
      `the runs of ${task} are counted`)
  }
  await compareDue(engine, reference)
  const late = reference.runs.filter(one =>
    isWaiting(one) && one.expires && one.deadline_at !== null && one.deadline_at <= reference.now
  ).map(({ id }) => id)
  deepEqual((await engine.overdue({ now: reference.now, limit: 10_000 })).runs.map(({ id }) => id).toSorted(),
    late.toSorted(), 'overdue runs')
}

/** Compares the due runs. */
export async function compareDue (engine: Engine, reference: ReferenceEngine): Promise<void> {
  const { cohorts, singles, next_at: next, others, rates } = await engine.due({ now: reference.now, owner: 'other' })
  const groups = Map.groupBy(reference.due().filter(({ single }) => !single),
    run => JSON.stringify(reference.cohortOf(run)))
  const expected = [...groups].map(([key, runs]) => {
    const [first] = runs.toSorted((a, b) => a.due_at - b.due_at || (a.id < b.id ? -1 : 1))
    return { ...JSON.parse(key) as Cohort, count: runs.length, first: first!.id }
  })
  const byKey = (a: Cohort, b: Cohort) =>
    JSON.stringify([a.task, a.queue, a.priority, a.span, a.scheduled]) <
        JSON.stringify([b.task, b.queue, b.priority, b.span, b.scheduled])
      ? -1
      : 1
  deepEqual(cohorts.map(({ first, ...rest }) => ({ ...rest, first: first.id })).toSorted(byKey),
    expected.toSorted(byKey), 'due cohorts')
  deepEqual(singles.map(comparable), reference.singles().map(run => wanted(run, reference)), 'due single runs')
  const later = reference.runs.flatMap(({ state, due_at: at }) => state === 'queued' && at > reference.now ? [at] : [])
  deepEqual(rates, Object.fromEntries(reference.buckets), 'rate buckets')
  deepEqual(next, later.length > 0 ? Math.min(...later) : null, 'the next due time')
  const counted = (of: (run: ExpectedRun) => string) =>
    Object.fromEntries([...Map.groupBy(reference.others('other'), of)].map(([name, runs]) => [name, runs.length]))
  deepEqual([others.tasks, others.queues], [counted(({ task }) => task), counted(({ queue }) => queue)],
    'the runs of other owners')
}

function attemptsOf (run: ExpectedRun): ExpectedRun['attempts'] {
  const ended = isFinal(run.state) && run.turn > 0 && run.attempts.at(-1)?.turn !== run.turn
  return ended ? [...run.attempts, { turn: run.turn, outcome: run.state }] : run.attempts
}

/** Compares the details of each run, and the data that outlives runs. */
export async function compareAll (engine: Engine, reference: ReferenceEngine): Promise<void> {
  await compareRuns(engine, reference)
  deepEqual((await everything(engine, 7)).map(({ id }) => id), reference.runs.toReversed().map(({ id }) => id),
    'in pages')
  for (const run of reference.runs) await compareParts(engine, reference, run)
  await compareSums(engine, reference)
  deepEqual((await engine.records({ limit: 10_000 })).length, reference.records, 'audit records')
}

const sortedHolds = (holds: readonly Hold[]) =>
  holds.map(({ code, message, from, to, owner }) => [from, to, code, message, owner]).toSorted((a, b) =>
    JSON.stringify(a) < JSON.stringify(b) ? -1 : 1
  )

async function compareParts (engine: Engine, reference: ReferenceEngine, run: ExpectedRun): Promise<void> {
  const found = (await engine.get(run.id))!
  const after = run.links.map(({ id, ref, condition, counted }) => ({
    run: id,
    ref,
    condition,
    state: counted ?? reference.find(id)!.state
  }))
  deepEqual({
    payload: found.payload,
    result: found.result,
    checkpoint: found.checkpoint,
    attempts: found.attempts.map(({ turn, outcome }) => ({ turn, outcome })),
    holds: sortedHolds(found.holds),
    after: found.after,
    used: found.used
  }, {
    payload: run.payload,
    result: run.result,
    checkpoint: run.checkpoint,
    attempts: attemptsOf(run),
    holds: sortedHolds(shown(timelineOf(reference, run))),
    after,
    used: run.used
  }, run.id)
  deepEqual((await engine.logs({ id: run.id, after: 0, limit: 10_000 })).map(({ text }) => text), run.lines)
}

async function compareSums (engine: Engine, reference: ReferenceEngine): Promise<void> {
  const rows = await engine.stats({ from: 0, to: reference.now + 1e9, by: 'task', every: 'all' })
  const sums = rows.map((
    { name, completed, failed, cancelled, skipped, retries, cpu_ms: ms }
  ) => [name, { completed, failed, cancelled, skipped, retries, cpu: ms / 1000 }])
  const isAny = (sum: object) => Object.values(sum).some(count => count > 0)
  const some = [...reference.sums].filter(([, sum]) => isAny(sum))
  deepEqual(sums.filter(([, sum]) => isAny(sum as object)), some.toSorted(([a], [b]) => a < b ? -1 : 1), 'statistics')
  const held = (await engine.held({ from: 0, to: reference.now * 2 })).map((
    { task, code, ms, runs }
  ) => [`${task}/${code}`, ms, runs]).toSorted(([a], [b]) => a! < b! ? -1 : 1)
  deepEqual(held, heldNow(reference), 'held time')
  const failed = Map.groupBy(reference.runs.filter(({ state }) => state === 'failed'),
    ({ task, error, reason }) => `${task} ${error ?? reason}`)
  const graves = [...failed.values()].map(group => `${group[0]!.task} ${group.length}`)
  deepEqual((await engine.dead({})).map(({ task, count }) => `${task} ${count}`).toSorted(), graves.toSorted(),
    'dead letters')
}
