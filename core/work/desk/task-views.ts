import { classify } from '../../model/conditions/classify.ts'
import { longestPause } from '../../model/gates/paused.ts'
import { firstDueRuns } from './first-due-runs.ts'
import { taskView } from '../../model/view/task-view.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Planner } from '../plan/planner.ts'
import type { Run, State } from '../../model/run/run.ts'
import type { Runner } from '../run/runner.ts'
import type { Task } from '../../model/task/task.ts'
import type { TaskCount } from '../../engine/reports.ts'
import type { TaskView } from '../../model/view/task-view.ts'
import type { Verdict } from '../../model/conditions/gate.ts'

interface TaskViewsOptions {
  engine: Pick<Engine, 'count' | 'due'>
  clock: Clock
  planner: Planner
  runner: Runner
  conditions: LiveConditions
}

interface First {
  run: Run
  verdict: Verdict
}

const NO_RUNS: Record<State, number> = {
  blocked: 0,
  queued: 0,
  running: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  skipped: 0
}

/** The views of tasks: last and next run, counts by state, and the verdict on the first due run. */
export class TaskViews {
  readonly #options: TaskViewsOptions

  constructor (options: TaskViewsOptions) {
    this.#options = options
  }

  /** In the order of the given tasks. */
  async of (tasks: readonly Task[]): Promise<TaskView[]> {
    const { engine, clock } = this.#options
    const [counts, due] = await Promise.all([engine.count(), engine.due({ now: clock.now(), owner: '' })])
    const countOf = new Map(counts.map(count => [count.task, count]))
    const first = firstDueRuns(due)
    const firsts = this.#firsts(tasks.flatMap(({ id }) => first.get(id) ?? []))
    return tasks.map(task => this.#view(task, countOf.get(task.id), firsts.get(task.id)))
  }

  /** The verdicts on the first due runs, by task. Runs that have begun since they were read are left out. */
  #firsts (due: readonly Run[]): Map<string, First> {
    const { runner } = this.#options
    const runs = due.filter(run => !runner.active.hasBegun(run))
    const verdicts = runner.verdicts.ofAll(runs)
    return new Map(runs.map((run, place) => [run.task, { run, verdict: verdicts[place]! }]))
  }

  #view (task: Task, count: TaskCount | undefined, first: First | null = null): TaskView {
    const { planner, conditions, clock } = this.#options
    const { config, pauses } = conditions.current
    return taskView({
      task,
      class: classify(task, config),
      states: count?.states ?? NO_RUNS,
      last: count?.last ?? null,
      schedules: planner.of(task.id),
      first,
      pause: longestPause(pauses, { task, run: { task: task.id } }, clock.now())
    })
  }
}
