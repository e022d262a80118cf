import { occupancyOf } from '../admit/admission-input.ts'
import type { ActiveRun } from '../admit/admission-input.ts'
import type { Bucket } from '../config/queue.ts'
import type { Priority } from '../run/run.ts'
import type { Task } from '../task/task.ts'
import type { Beside, WorldAsk } from './world.ts'

/** A run that may be waiting or running, and the instant by which it is over (epoch ms; Infinity: unknown). */
export interface PossibleRun {
  task: Task
  queue: string
  priority: Priority
  schedule: string | null
  end: number
}

/** Runs that gates do not distinguish. `most`: how many of them can run at once. */
interface Lane {
  task: Task
  queue: string
  priority: Priority
  most: number
  occupants: PossibleRun[]
}

export interface PossibleRunsOptions extends WorldAsk {
  slots: number
  buckets: ReadonlyMap<string, Bucket>
}

/** True when at most one run of the schedule exists at a time, because fires are skipped while one is unfinished. */
const isSingle = ({ task, schedule }: Pick<PossibleRun, 'task' | 'schedule'>): boolean =>
  schedule !== null && task.overlap === 'skip'

const keyOf = (one: PossibleRun): string =>
  isSingle(one) ? `schedule ${one.schedule}` : `${one.task.id} ${one.queue} ${one.priority}`

/** The runs that may exist at an instant, and the slots, queues and locks they take at most. */
export class PossibleRuns {
  readonly #options: PossibleRunsOptions
  readonly #lanes = new Map<string, Lane>()

  constructor (options: PossibleRunsOptions) {
    this.#options = options
  }

  add (one: PossibleRun): void {
    const { task, queue, priority } = one
    // The upper bound of what can run at once, reserved slots of critical runs included.
    const { slots, config: { scheduling } } = this.#options
    const most = isSingle(one) ? 1 : Math.min(task.concurrency, slots + scheduling.max_concurrent_tasks.critical)
    const lane = this.#lanes.getOrInsertComputed(keyOf(one), () => ({ task, queue, priority, most, occupants: [] }))
    lane.occupants.push(one)
  }

  /** Removes the runs that are over before an instant. */
  prune (at: number): void {
    for (const [key, lane] of this.#lanes) {
      const left = lane.occupants.filter(({ end }) => end >= at)
      if (left.length === 0) this.#lanes.delete(key)
      else lane.occupants = left
    }
  }

  /** The next instant at or after `at` at which one of the runs is over, or Infinity. */
  nextEnd (at: number): number {
    let next = Infinity
    for (const { occupants } of this.#lanes.values()) {
      for (const { end } of occupants) if (end >= at && end < next) next = end
    }
    return next + 1
  }

  /** The occupancy by the runs that may exist at or after `from`, without `but`. Runs due before `from` start
   *  gradually. */
  beside (from: number, but: PossibleRun | null): Beside {
    return this.#occupancyBy(this.#begun(from, but), from)
  }

  /** The occupancy by the runs that exist now. */
  running (): Beside {
    return this.#occupancyBy(this.#begun(this.#options.now, null), null)
  }

  /** The occupancy with no runs. */
  nobody (): Beside {
    return this.#occupancyBy([], null)
  }

  #occupancyBy (running: ActiveRun[], piledUpBefore: number | null): Beside {
    const { tasks, now, pauses, trials, config, slots, buckets, reading } = this.#options
    const { occupancy, byTask } = occupancyOf({
      tasks,
      slots,
      now: piledUpBefore ?? now,
      pauses,
      trials,
      running,
      buckets,
      config,
      reading,
      piledUpBefore
    })
    return { ...occupancy, active: byTask }
  }

  #begun (from: number, but: PossibleRun | null): ActiveRun[] {
    const running: ActiveRun[] = []
    const left = but === null ? null : keyOf(but)
    for (const [key, lane] of this.#lanes) {
      const { task, queue, priority, most } = lane
      // Each lane is counted separately: which of a task's runs will be running is unknown.
      const count = key === left && isSingle(but!) ? 0 : Math.min(most, this.#count(lane, from, but))
      for (let each = 0; each < count; each++) {
        running.push({
          task: task.id,
          queue,
          priority,
          locks: task.locks,
          alone: task.alone,
          source: 'schedule',
          due_at: -Infinity,
          started_at: from,
          resting: false
        })
      }
    }
    return running
  }

  #count ({ most, occupants }: Lane, from: number, but: PossibleRun | null): number {
    let count = 0
    for (const one of occupants) {
      if (one === but || one.end < from) continue
      if (++count >= most) break
    }
    return count
  }
}
