import { Lifecycle } from '../../model/base/service.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Alarm } from '../plan/alarm.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Desk } from '../desk/desk.ts'
import type { Listener } from '../../model/notice.ts'
import type { Planner } from '../plan/planner.ts'
import type { Runner } from '../run/runner.ts'
import type { Service } from '../../model/base/service.ts'
import type { Task } from '../../model/task/task.ts'

interface SchedulingOptions {
  owner: string
  clock: Clock
  planner: Planner
  runner: Runner
  desk: Pick<Desk, 'enqueue'>
  alarm: Alarm
  tasks: () => ReadonlyMap<string, Task>
  /** The task files that are still being imported. */
  coming: () => readonly string[]
  notice: Listener
}

/** Turns due schedules into runs while it is started. Errors of the engine become notices; only `start` rejects. */
export class Scheduling implements Service {
  readonly #options: SchedulingOptions
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  #isOpen = false
  /** The key of the runs that are added at this start. */
  #startKey = ''
  /** True while task files of this start are still being imported. */
  #isImporting = false

  constructor (options: SchedulingOptions) {
    this.#options = options
  }

  /** Reconciles schedules with tasks, fires due schedules, and adds a run of each task with `run_on_start`. */
  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    const { clock, owner } = this.#options
    this.#isOpen = true
    this.#startKey = `start@${owner}/${clock.now()}`
    await this.#options.planner.sync()
    await this.fire()
    await this.#addFirstRuns()
  }

  #stop (): void {
    this.#isOpen = false
    this.quiesce()
  }

  /** Stops firing automatically. */
  quiesce (): void {
    this.#options.alarm.clear()
  }

  /** Fires due schedules, sets the alarm for the next fire, and wakes the runner. */
  async fire (): Promise<void> {
    const { alarm, planner, runner } = this.#options
    await planner.fire().catch(error => this.#failed('plan', error))
    // Also after an error: the next fire needs its alarm.
    if (this.#isOpen) alarm.set(planner.wakeAt)
    runner.wake()
  }

  /** Reconciles schedules with tasks. Waiting scheduled runs of disabled tasks are cancelled. */
  async replan (): Promise<void> {
    if (!this.#isOpen) return
    await this.#options.planner.sync().catch(error => this.#failed('plan', error))
    if (this.#isImporting) await this.#addFirstRuns()
    await this.fire()
  }

  async poll (): Promise<void> {
    this.#options.runner.retrySettle()
    await this.fire()
  }

  async #addFirstRuns (): Promise<void> {
    const { coming, desk, tasks } = this.#options
    const key = this.#startKey
    this.#isImporting = coming().length > 0
    const wanted = [...tasks().values()].filter(task => task.enabled && task.run_on_start)
    await Promise.all(
      wanted.map(({ id }) => desk.enqueue(id, { key }, 'schedule').catch(error => this.#failed('add', error)))
    )
  }

  #failed (call: string, error: unknown): void {
    this.#options.notice({ kind: 'engine_failed', call, error: failureOf(error) })
  }
}
