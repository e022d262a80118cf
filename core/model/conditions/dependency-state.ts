import type { State } from '../run/run.ts'

/** How the last relevant run of a task ended. `chain`: the ids of the runs that caused it, its own last. */
export interface Ending {
  state: State
  at: number
  chain: readonly string[]
  message: string | null
}

/** The state of a task that others depend on. `pending`: one of its runs is due, running or will be retried. `circle`:
 *  the tasks through which it depends on itself, itself first and last. */
export interface DependencyState {
  pending: boolean
  last: Ending | null
  circle?: readonly string[] | null
}

type Wants = ReadonlyMap<string, { depends_on: readonly { task: string }[] }>

/** The shortest cycle through which a task depends on itself, itself first and last, or null. */
export function circleOf (tasks: Wants, id: string): string[] | null {
  const seen = new Set<string>()
  const ways: string[][] = [[id]]
  for (const way of ways) {
    for (const { task } of tasks.get(way.at(-1)!)?.depends_on ?? []) {
      if (task === id) return [...way, id]
      if (!seen.has(task)) ways.push([...way, task])
      seen.add(task)
    }
  }
  return null
}

/** The code of a dependency that can no longer be met. */
export const DEPENDENCY_FAILED = 'dependency_failed'
