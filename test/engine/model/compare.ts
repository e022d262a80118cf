import { deepEqual } from 'node:assert/strict'
import type { Engine } from '../../../core/engine/engine.ts'
import { STATES, isFinal } from '../../../core/model/run/run.ts'
import type { Run } from '../../../core/model/run/run.ts'
import type { Laws, Was } from './laws.ts'
import { isWaiting } from './laws.ts'

const SAME = [
  'id', 'task', 'queue', 'priority', 'state', 'source', 'schedule', 'key', 'due_at', 'nominal_at', 'attempt', 'max_retries', 'turn', 'crashes', 'missed', 'owner', 'lease_until',
  'created_at', 'started_at', 'finished_at', 'deadline_at'
] as const

const picked = (from: Run | Was) => Object.fromEntries(SAME.map(name => [name, from[name]]))

/** A run of the engine and one of the laws in the same words. */
export const told = (run: Run) =>
  ({ ...picked(run), cancel: run.cancel?.code ?? null, reason: run.reason?.code ?? null, error: run.error?.message ?? null, child: run.child?.pid ?? null })
export const wanted = (run: Was) => ({ ...picked(run), cancel: run.cancel, reason: run.reason, error: run.error, child: run.child })

async function everything (engine: Engine, limit: number): Promise<Run[]> {
  const runs: Run[] = []
  for (let cursor: string | undefined; ;) {
    const { items, next } = await engine.list({ limit, ...cursor !== undefined && { cursor } })
    runs.push(...items)
    if (next === null) return runs
    cursor = next
  }
}

/** Every run as the engine lists it, and what it counts. */
export async function compareRuns (engine: Engine, laws: Laws): Promise<void> {
  deepEqual((await everything(engine, 500)).map(told), laws.runs.toReversed().map(wanted))
  const counted = await engine.count()
  for (const { last } of counted) if (last) deepEqual(isFinal(last.state) && last.state !== 'skipped' && told(last), wanted(laws.find(last.id)!), 'the last to finish is there')
  const tasks = new Map(counted.map(({ task, states }) => [task, states]))
  for (const task of ['a', 'b']) {
    const own = laws.runs.filter(run => run.task === task)
    const states = Object.fromEntries(STATES.map(state => [state, own.filter(run => run.state === state).length]))
    deepEqual(tasks.get(task) ?? Object.fromEntries(STATES.map(state => [state, 0])), states, `the runs of ${task} are counted`)
  }
  await compareDue(engine, laws)
  const late = laws.runs.filter(one => isWaiting(one) && one.expires && one.deadline_at !== null && one.deadline_at <= laws.now).map(({ id }) => id)
  deepEqual((await engine.overdue({ now: laws.now, limit: 10_000 })).runs.map(({ id }) => id).toSorted(), late.toSorted(), 'what is overdue')
}

async function compareDue (engine: Engine, laws: Laws): Promise<void> {
  const due = laws.due()
  const groups = [...Map.groupBy(due, ({ task }) => task)].map(([task, [first, ...others]]) => ({ task, count: others.length + 1, first: first!.id }))
  const later = laws.runs.flatMap(({ state, due_at: at }) => state === 'queued' && at > laws.now ? [at] : [])
  const { tasks, next_at: next } = await engine.due(laws.now)
  const byTask = (a: { task: string }, b: { task: string }) => a.task < b.task ? -1 : 1
  deepEqual([tasks.map(({ task, count, first }) => ({ task, count, first: first.id })).toSorted(byTask), next], [groups.toSorted(byTask), later.length > 0 ? Math.min(...later) : null], 'what is due')
}

function attemptsOf (run: Was): Was['attempts'] {
  const ended = isFinal(run.state) && run.turn > 0 && run.attempts.at(-1)?.turn !== run.turn
  return ended ? [...run.attempts, { turn: run.turn, outcome: run.state }] : run.attempts
}

/** All that belongs to each run, and what is kept beyond the runs. */
export async function compareAll (engine: Engine, laws: Laws): Promise<void> {
  await compareRuns(engine, laws)
  deepEqual((await everything(engine, 7)).map(({ id }) => id), laws.runs.toReversed().map(({ id }) => id), 'page by page')
  for (const run of laws.runs) await compareParts(engine, laws, run)
  await compareSums(engine, laws)
  deepEqual((await engine.records({ limit: 10_000 })).length, laws.records, 'what was done by hand')
}

async function compareParts (engine: Engine, laws: Laws, run: Was): Promise<void> {
  const found = (await engine.get(run.id))!
  const after = run.links.map(({ id, ref, condition, counted }) => ({ run: id, ref, condition, state: counted ?? laws.find(id)!.state }))
  deepEqual({
    payload: found.payload, result: found.result, checkpoint: found.checkpoint, attempts: found.attempts.map(({ turn, outcome }) => ({ turn, outcome })), codes: found.holds.map(({ code }) => code),
    open: found.holds.some(({ to }) => to === null), after: found.after, used: found.used
  }, {
    payload: run.payload, result: run.result, checkpoint: run.checkpoint, attempts: attemptsOf(run), codes: run.codes, open: run.open, after, used: run.used
  }, run.id)
  deepEqual((await engine.logs({ id: run.id, after: 0, limit: 10_000 })).map(({ text }) => text), run.lines)
}

async function compareSums (engine: Engine, laws: Laws): Promise<void> {
  const rows = await engine.stats({ from: 0, to: laws.now + 1e9, by: 'task', every: 'all' })
  const sums = rows.map(({ name, completed, failed, cancelled, skipped, retries, cpu_ms: ms }) => [name, { completed, failed, cancelled, skipped, retries, cpu: ms / 1000 }])
  const some = [...laws.sums].filter(([, sum]) => Object.values(sum).some(count => count > 0))
  deepEqual(sums, some.toSorted(([a], [b]) => a < b ? -1 : 1), 'what came of the runs')
  const failed = Map.groupBy(laws.runs.filter(({ state }) => state === 'failed'), ({ task, error, reason }) => `${task} ${error ?? reason}`)
  const graves = [...failed.values()].map(group => `${group[0]!.task} ${group.length}`)
  deepEqual((await engine.dead({})).map(({ task, count }) => `${task} ${count}`).toSorted(), graves.toSorted(), 'what failed of the same')
}
