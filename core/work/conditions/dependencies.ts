import { circleOf } from '../../model/conditions/dependency-state.ts'
import { isFinal } from '../../model/run/run.ts'
import type { Claimed, Engine } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Ending, DependencyState } from '../../model/conditions/dependency-state.ts'
import type { Json } from '../../model/json/json.ts'
import type { Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'

/** At most this many runs of a task are read, newest first. */
const LOOK_BACK = 50
const MOST_STATES = 200

/** Skip codes that do not count as an end of the task. */
const IGNORED = ['overlap', 'misfire', 'queue_full', 'replaced', 'task_disabled']

const counts = ({ state, reason }: Run): boolean => isFinal(state) && !IGNORED.includes(reason?.code ?? '')

const endingOf = ({ id, state, finished_at: at, reason, error }: Run): Ending => ({
  state,
  at: at ?? 0,
  chain: [...reason?.chain ?? [], id],
  message: error?.message ?? reason?.message ?? null
})

/** The state of a task: its newest end, and whether a run is pending. */
function stateOf (runs: readonly Run[], now: number): DependencyState & { run: string | null } {
  const pending = runs.some(({ state, due_at: due, attempt }) =>
    state === 'running' || state === 'blocked' || (state === 'queued' && (due <= now || attempt > 0))
  )
  const last = runs.filter(counts).toSorted((a, b) => (b.finished_at ?? 0) - (a.finished_at ?? 0))[0]
  return { pending, last: last === undefined ? null : endingOf(last), run: last?.id ?? null }
}

/** The states of tasks that others depend on, as of the last look. */
export class Dependencies {
  readonly #engine: Engine
  readonly #clock: Clock
  /** When there are more states than this, those that no task depends on are removed. */
  #most = MOST_STATES
  #states = new Map<string, DependencyState & { run: string | null }>()

  constructor ({ engine, clock }: { engine: Engine, clock: Clock }) {
    this.#engine = engine
    this.#clock = clock
  }

  get states (): ReadonlyMap<string, DependencyState> {
    return this.#states
  }

  /** Reads the states of the tasks that these tasks depend on. */
  async look (ids: readonly string[], tasks: ReadonlyMap<string, Task>): Promise<void> {
    const wanted = new Set(ids.flatMap(due => tasks.get(due)?.depends_on.map(({ task: id }) => id) ?? []))
    if (wanted.size === 0) return
    const now = this.#clock.now()
    const found = await Promise.all(
      [...wanted].map(async task =>
        [task, stateOf((await this.#engine.list({ task, limit: LOOK_BACK })).items, now)] as const
      )
    )
    for (const [task, state] of found) this.#states.set(task, { ...state, circle: circleOf(tasks, task) })
    if (this.#states.size > this.#most) this.#forget(tasks)
  }

  /** Removes the states that no task depends on. */
  #forget (tasks: ReadonlyMap<string, Task>): void {
    const used = new Set(Array.from(tasks.values(), ({ depends_on: all }) => all.map(({ task }) => task)).flat())
    for (const task of this.#states.keys()) if (!used.has(task)) this.#states.delete(task)
    this.#most = Math.max(MOST_STATES, 2 * this.#states.size)
  }

  /** Returns the run with the results of the tasks that its task depends on, by id; null when one of them has started
   *  again since the last look. */
  async withResults (run: Claimed, task: Task | undefined): Promise<Claimed | null> {
    if (task === undefined || task.depends_on.length === 0) return run
    const results: Record<string, Json> = { ...run.results }
    for (const { task: id } of task.depends_on) {
      const last = this.#states.get(id)?.run ?? null
      const found = last === null ? null : await this.#engine.get(last)
      if (found !== null && !isFinal(found.state)) return null
      if (last !== null) results[id] = found?.result ?? null
    }
    return { ...run, results }
  }
}
