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

/** Makes runs of what is due while it is started. An error of the engine becomes a notice; only `start` rejects. */
export class Scheduling implements Service {
  readonly #options: SchedulingOptions
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  #isOpen = false
  /** The key of the runs that tasks want at this start. */
  #startKey = ''
  /** Whether task files of this start are still to come. */
  #isComing = false

  constructor (options: SchedulingOptions) {
    this.#options = options
  }

  /** Brings schedules in line with the tasks, fires what is due and adds the runs that tasks want at every start. */
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

  /** Fires no more by itself. */
  quiesce (): void {
    this.#options.alarm.clear()
  }

  /** Fires what is due, sets the alarm for what comes next and lets the runner look. */
  async fire (): Promise<void> {
    const { alarm, planner, runner } = this.#options
    await planner.fire().catch(error => this.#failed('plan', error))
    // Also after an error: what comes next needs its alarm.
    if (this.#isOpen) alarm.set(planner.wakeAt)
    runner.wake()
  }

  /** Brings schedules in line with the tasks. Waiting scheduled runs of disabled tasks are cancelled, with a reason. */
  async replan (): Promise<void> {
    if (!this.#isOpen) return
    await this.#options.planner.sync().catch(error => this.#failed('plan', error))
    if (this.#isComing) await this.#addFirstRuns()
    await this.fire()
  }

  async poll (): Promise<void> {
    this.#options.runner.retrySettle()
    await this.fire()
  }

  async #addFirstRuns (): Promise<void> {
    const { coming, desk, tasks } = this.#options
    const key = this.#startKey
    this.#isComing = coming().length > 0
    const wanted = [...tasks().values()].filter(task => task.enabled && task.run_on_start)
    await Promise.all(
      wanted.map(({ id }) => desk.enqueue(id, { key }, 'schedule').catch(error => this.#failed('add', error)))
    )
  }

  #failed (call: string, error: unknown): void {
    this.#options.notice({ kind: 'engine_failed', call, error: failureOf(error) })
  }
}
