import { DAY, HOUR, SECOND } from '../../model/base/duration.ts'
import { iso } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { DurationStats, StatsAsk, StatsRow } from '../../engine/reports.ts'
import type { Run, State } from '../../model/run/run.ts'
import type { Usage } from '../../model/run/usage.ts'

const EVERY = { hour: HOUR, day: DAY } as const
/** States that imply an execution, and states that do not. Each group is listed separately, so that thousands of runs
 *  cancelled before they began do not use up the limit of executed ones. */
const STATE_GROUPS: State[][] = [['running', 'completed', 'failed'], ['cancelled', 'skipped']]
const PAGE = 500
const MOST_READ = 5000
/** Runs that waited longer than this before they started may be missed, ms. */
const LONGEST_WAIT = 2 * DAY

const seconds = (ms: number | null) => ms === null ? null : ms / SECOND

const inSeconds = ({ count, mean, p50, p95, p99, max, max_run }: DurationStats) => ({
  count,
  mean: seconds(mean),
  p50: seconds(p50),
  p95: seconds(p95),
  p99: seconds(p99),
  longest: seconds(max),
  longest_run: max_run
})

const rounded = (value: number) => Math.round(value * 10_000) / 10_000

/** A row in the form of the REST API. `hours`: the length of its span. */
function rowView ({ at, name, wait, held, run, cpu_ms, ...counts }: StatsRow, { hours }: { hours: number }) {
  const { completed, failed } = counts
  return {
    at: iso(at)!,
    name,
    ...counts,
    cpu_seconds: cpu_ms / SECOND,
    throughput: hours > 0 ? rounded(completed / hours) : 0,
    failure_rate: completed + failed === 0 ? null : rounded(failed / (completed + failed)),
    wait: inSeconds(wait),
    held: inSeconds(held),
    run: inSeconds(run)
  }
}
export type StatsView = ReturnType<typeof rowView>

/** Statistics of the runs that ended in the hours that touch [from, to): durations in seconds, throughput in completed
 *  runs an hour, failure rate 0 to 1. */
export async function statistics (
  engine: Pick<Engine, 'stats'>,
  { now, ...ask }: StatsAsk & { now: number }
): Promise<StatsView[]> {
  const rows = await engine.stats(ask)
  const endOf = (at: number) =>
    Math.min(now, ask.every === 'all' ? Math.ceil(ask.to / HOUR) * HOUR : at + EVERY[ask.every])
  return rows.map(row => rowView(row, { hours: (endOf(row.at) - row.at) / HOUR }))
}

/** Runs with their resource usage. `complete` false: more runs matched than were read. */
export interface Ran {
  runs: (Run & { used: Usage | null })[]
  complete: boolean
}

const touches = ({ started_at: start, finished_at: end }: Run, from: number, to: number) =>
  start !== null && start < to && (end === null || end >= from)

async function listTouching (
  engine: Pick<Engine, 'list'>,
  { state, from, to }: { state: State[], from: number, to: number }
): Promise<{ found: Run[], complete: boolean }> {
  const found: Run[] = []
  let cursor: string | undefined
  for (let read = 0; read < MOST_READ; read += PAGE) {
    const { items, next } = await engine.list({ state, to, limit: PAGE, ...cursor !== undefined && { cursor } })
    found.push(...items.filter(run => touches(run, from, to)))
    if (next === null || items.at(-1)!.created_at < from - LONGEST_WAIT) return { found, complete: true }
    cursor = next
  }
  return { found, complete: false }
}

/** The runs whose last attempt overlaps [from, to), ordered by start. */
export async function ranIn (
  engine: Pick<Engine, 'list' | 'used'>,
  { from, to }: { from: number, to: number }
): Promise<Ran> {
  const groups = await Promise.all(STATE_GROUPS.map(state => listTouching(engine, { state, from, to })))
  const found = groups.flatMap(({ found: runs }) => runs)
  const complete = groups.every(one => one.complete)
  const used = await engine.used(found.map(({ id }) => id))
  return { runs: inOrder(found).map(run => ({ ...run, used: used[run.id] ?? null })), complete }
}

const inOrder = (runs: readonly Run[]) => runs.toSorted((a, b) => a.started_at! - b.started_at!)
