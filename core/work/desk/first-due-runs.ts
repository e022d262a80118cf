import { RANKS } from '../../model/conditions/urgency.ts'
import type { DueRuns } from '../../engine/engine.ts'
import type { Run } from '../../model/run/run.ts'

const comesFirst = (a: Run, b: Run): boolean => {
  if (a.priority !== b.priority) return RANKS[a.priority] < RANKS[b.priority]
  return a.due_at !== b.due_at ? a.due_at < b.due_at : a.id < b.id
}

/** The first due run of each task, by task: by priority, then due instant, then id. */
export function firstDueRuns ({ cohorts, singles }: Pick<DueRuns, 'cohorts' | 'singles'>): Map<string, Run> {
  const runs = new Map<string, Run>()
  for (const run of [...cohorts.map(({ first }) => first), ...singles]) {
    const known = runs.get(run.task)
    if (known === undefined || comesFirst(run, known)) runs.set(run.task, run)
  }
  return runs
}
