import type { Hold } from '../../../core/model/run/run.ts'
import { byCode, replayed, within } from './expected-holds.ts'
import type { ExpectedRun } from './expected-run.ts'
import { waitedUntil } from './expected-run.ts'
import type { ReferenceEngine } from './reference-engine.ts'

/** The timeline of a run, the entries of its cohort first. */
export function timelineOf (reference: ReferenceEngine, run: ExpectedRun): Hold[] {
  const cohort = run.state === 'blocked' ? null : reference.cohortOf(run)
  const shared = cohort === null
    ? []
    : within(replayed(reference.events, cohort, run.due_at), run.due_at, waitedUntil(run))
  return [...shared, ...run.own]
}

type HeldSums = Map<string, { ms: number, runs: number }>

/** Adds the time that a run was held for a code to the sums by `task/code`. */
export function addHeld (
  reference: ReferenceEngine,
  sums: HeldSums,
  { run, code, ms }: { run: ExpectedRun, code: string, ms: number }
): void {
  const cohort = reference.cohortOf(run)
  const counted = cohort === null || run.countedTo === null
    ? []
    : within(replayed(reference.events, cohort, run.due_at), run.due_at, run.countedTo)
  const before = [...counted, ...run.own.slice(0, run.past)].some(entry => entry.code === code)
  const sum = sums.get(`${run.task}/${code}`) ?? { ms: 0, runs: 0 }
  sums.set(`${run.task}/${code}`, { ms: sum.ms + ms, runs: sum.runs + (before ? 0 : 1) })
}

/** The total time held: the sums, and the closed entries of runs that still wait. */
export function heldNow (reference: ReferenceEngine): [name: string, ms: number, runs: number][] {
  const sums: HeldSums = new Map(reference.held)
  for (const run of reference.runs.filter(({ state }) => state === 'queued')) {
    const cohort = reference.cohortOf(run)
    const shared = cohort === null
      ? []
      : within(replayed(reference.events, cohort, run.due_at), run.countedTo ?? run.due_at, null)
    const closed = [...shared, ...run.own.slice(run.past)].filter(({ to }) => to !== null)
    for (const [code, ms] of byCode(closed)) addHeld(reference, sums, { run, code, ms })
  }
  return [...sums].map(([name, { ms, runs }]) => [name, ms, runs] as [string, number, number]).toSorted(([a], [b]) =>
    a < b ? -1 : 1
  )
}
