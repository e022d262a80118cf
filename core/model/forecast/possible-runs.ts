import { occupancyOf } from '../admit/occupancy.ts'
import type { ActiveRun } from '../admit/occupancy.ts'
import type { Bucket } from '../config/queue.ts'
import type { Priority } from '../run/run.ts'
import type { Task } from '../task/task.ts'
import type { Beside, WorldAsk } from './world.ts'

/** A run that may wait or run from some instant on, and until when it may at the latest (epoch ms; Infinity: nobody
 *  knows). */
export interface PossibleRun {
  task: Task
  queue: string
  priority: Priority
  schedule: string | null
  end: number
}

/** Runs that gates cannot tell apart. `most`: so many of them can run at once. */
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

/** Of a schedule whose fires are skipped while one of its runs is unfinished there is one run at a time. */
const isSingle = ({ task, schedule }: Pick<PossibleRun, 'task' | 'schedule'>): boolean =>
  schedule !== null && task.overlap === 'skip'

const keyOf = (one: PossibleRun): string =>
  isSingle(one) ? `schedule ${one.schedule}` : `${one.task.id} ${one.queue} ${one.priority}`

/** The runs that may be there at an instant, and what they take at most of slots, queues, locks and the like. */
export class PossibleRuns {
  readonly #options: PossibleRunsOptions
  readonly #lanes = new Map<string, Lane>()

  constructor (options: PossibleRunsOptions) {
    this.#options = options
  }

  add (one: PossibleRun): void {
    const { task, queue, priority } = one
    // No more can run at once, those in the slots for critical runs among them.
    const { slots, config: { scheduling } } = this.#options
    const most = isSingle(one) ? 1 : Math.min(task.concurrency, slots + scheduling.max_concurrent_tasks.critical)
    const lane = this.#lanes.getOrInsertComputed(keyOf(one), () => ({ task, queue, priority, most, occupants: [] }))
    lane.occupants.push(one)
  }

  /** Forgets those that are over before an instant. */
  prune (at: number): void {
    for (const [key, lane] of this.#lanes) {
      const left = lane.occupants.filter(({ end }) => end >= at)
      if (left.length === 0) this.#lanes.delete(key)
      else lane.occupants = left
    }
  }

  /** The next instant at which one is over that may be there at `at`, or Infinity. */
  nextEnd (at: number): number {
    let next = Infinity
    for (const { occupants } of this.#lanes.values()) {
      for (const { end } of occupants) if (end >= at && end < next) next = end
    }
    return next + 1
  }

  /** What those take that may be there at some instant from `from` on, one of them left out. Of runs that have waited
   *  longer than this they are the ones that a pace lets start first. */
  beside (from: number, but: PossibleRun | null): Beside {
    return this.#told(this.#begun(from, but), from)
  }

  /** What those take that are there now. */
  running (): Beside {
    return this.#told(this.#begun(this.#options.now, null), null)
  }

  /** Nobody is there. */
  nobody (): Beside {
    return this.#told([], null)
  }

  #told (running: ActiveRun[], piledUpBefore: number | null): Beside {
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
      // Each lane by itself: which of a task's runs will be the ones that run is not known.
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
