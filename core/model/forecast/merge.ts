import { MOST_STARTS } from './forecast.ts'
import type { Bound } from './start-item.ts'
import type { Dependence, ForecastItem, Took } from './forecast.ts'

/** A run in the simulation of the machine as it is now. `run`: its id if it exists. Instants are epoch ms. */
export interface Likely {
  run: string | null
  schedule: string | null
  task: string
  nominal_at: number
  due_at: number
  started_at: number | null
  ends_at: number | null
}

interface MergeAsk {
  bounds: readonly Bound[]
  likely: readonly Likely[]
  took: Readonly<Record<string, Took>>
  from: number
  to: number
}

/** How far a simulated start may lie outside its bounds, ms: the runner looks a moment after what triggered it. */
const SAME_MS = 1000

const OTHERS: Dependence = { gate: 'order', ok: true, message: 'other runs may come first' }

const keyOf = ({ run, schedule, nominal_at: nominal }: {
  run: string | null
  schedule: string | null
  nominal_at: number
}): string => run === null ? `${schedule}@${nominal}` : run

const finite = (at: number): number | null => Number.isFinite(at) ? at : null

function foreseen (
  { task, run, schedule, stage, nominal_at, earliest, latest, certain, depends_on }: Bound,
  likely: Likely | undefined,
  took: Took | null
): ForecastItem {
  const start = stage === 'running' ? earliest : likely?.started_at ?? null
  const agrees = start !== null && start >= earliest - SAME_MS && start <= latest + SAME_MS
  const isCertain = certain && agrees
  const doubts = certain && !agrees ? [OTHERS] : depends_on
  return {
    task: task.id,
    run: run?.id ?? null,
    schedule,
    stage,
    nominal_at,
    earliest_at: start === null ? finite(earliest) : finite(Math.min(earliest, start)),
    likely_at: start,
    latest_at: certain && !agrees ? null : start === null ? finite(latest) : finite(Math.max(latest, start)),
    certainty: isCertain ? 'certain' : 'conditional',
    depends_on: isCertain ? [] : doubts,
    ends_at: likely?.ends_at ?? null,
    took
  }
}

const unforeseen = (
  { run, schedule, task, nominal_at, due_at, started_at, ends_at }: Likely,
  took: Took | null
): ForecastItem => ({
  task,
  run,
  schedule,
  stage: run === null ? 'planned' : 'waiting',
  nominal_at,
  earliest_at: due_at,
  likely_at: started_at,
  latest_at: null,
  ends_at,
  certainty: 'conditional',
  depends_on: [OTHERS],
  took
})

const placeOf = ({ likely_at, earliest_at, nominal_at }: ForecastItem): number => likely_at ?? earliest_at ?? nominal_at

const inOrder = (a: ForecastItem, b: ForecastItem): number => placeOf(a) - placeOf(b) || (a.task < b.task ? -1 : 1)

/** The items of the forecast: the bounds of each start with its start in the simulation. A start on which the two
 *  disagree is conditional. */
export function merged ({ bounds, likely, took, from, to }: MergeAsk): ForecastItem[] {
  const byKey = new Map(likely.map(one => [keyOf(one), one]))
  const items = bounds.flatMap(bound => {
    const key = keyOf({ ...bound, run: bound.run?.id ?? null })
    const found = byKey.get(key)
    byKey.delete(key)
    const item = foreseen(bound, found, took[bound.task.id] ?? null)
    return bound.run === null || bound.stage === 'running' || bound.run.due_at < to ? [item] : []
  })
  const others = [...byKey.values()].filter(({ started_at: at }) => at !== null && at >= from)
  const rest = others.map(one => unforeseen(one, took[one.task] ?? null))
  return [...items, ...rest].toSorted(inOrder).slice(0, MOST_STARTS)
}
