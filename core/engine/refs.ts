import type { Detail } from '../model/errors/errors.ts'
import type { NewRun } from '../model/run/run.ts'

const refOf = (run: string): string | null => typeof run === 'string' && run.startsWith('#') ? run.slice(1) : null

/** The faults of the refs within one call: duplicate, unknown, or circular. */
export function refFaults (runs: readonly NewRun[]): Detail[] {
  const places = new Map<string, number>()
  const faults: Detail[] = []
  for (const [index, { ref }] of runs.entries()) {
    if (ref !== undefined && places.has(ref)) {
      faults.push(
        { pointer: `/${index}/ref`, detail: `another run of this call has the ref '${ref}'` }
      )
    } else if (ref !== undefined) places.set(ref, index)
  }
  const waits = runs.map(({ after = [] }) => after.flatMap(({ run }) => places.get(refOf(run) ?? '') ?? []))
  for (const [index, { after = [] }] of runs.entries()) {
    for (const [place, { run }] of after.entries()) {
      const ref = refOf(run)
      if (ref !== null && !places.has(ref)) {
        faults.push(
          { pointer: `/${index}/after/${place}/run`, detail: `no run of this call has the ref '${ref}'` }
        )
      }
    }
  }
  const circle = circleOf(waits)
  if (circle) {
    faults.push(
      {
        pointer: `/${circle[0]}/after`,
        detail: `waits for itself: ${circle.map(index => `#${runs[index]!.ref}`).join(' → ')}`
      }
    )
  }
  return faults
}

/** A circle of indexes that ends with its first index, or null. Not recursive: a chain may be as long as a call. */
function circleOf (waits: readonly number[][]): number[] | null {
  const left = waits.map(list => list.length)
  const dependents = Map.groupBy(waits.flatMap((list, index) => list.map(to => ({ index, to }))), ({ to }) => to)
  const free = left.flatMap((count, index) => count === 0 ? [index] : [])
  for (let index = free.pop(); index !== undefined; index = free.pop()) {
    for (const { index: next } of dependents.get(index) ?? []) if (--left[next]! === 0) free.push(next)
  }
  const first = left.findIndex(count => count > 0)
  if (first < 0) return null
  // Every remaining run waits for a remaining run, so the walk returns to a run that it has seen.
  const path: number[] = []
  const seen = new Map<number, number>()
  for (let index = first;; index = waits[index]!.find(to => left[to]! > 0)!) {
    const known = seen.get(index)
    if (known !== undefined) return [...path.slice(known), index]
    seen.set(index, path.push(index) - 1)
  }
}
