import { occupancyOf } from '../admit/occupancy.ts'
import type { Begun } from '../admit/occupancy.ts'
import type { Bucket } from '../config/queue.ts'
import type { Priority } from '../run/run.ts'
import type { Standing } from '../gates/gate.ts'
import type { Task } from '../task/task.ts'
import type { WorldAsk } from './world.ts'

/** A run that may wait or run from some instant on, and until when it may at the latest (epoch ms; Infinity: nobody knows). */
export interface Occupant { task: Task, queue: string, priority: Priority, schedule: string | null, end: number }

/** Runs that gates cannot tell apart. `alone`: of a schedule whose fires are skipped while one of its runs is unfinished, there is one at a time. */
interface Lane { task: Task, queue: string, priority: Priority, most: number, occupants: Occupant[] }

export interface OccupancyOptions extends WorldAsk {
  slots: number
  buckets: ReadonlyMap<string, Bucket>
}

type Beside = Omit<Standing, 'active'> & { active: ReadonlyMap<string, number> }

const isSingle = ({ task, schedule }: Pick<Occupant, 'task' | 'schedule'>): boolean => schedule !== null && task.overlap === 'skip'

const keyOf = (one: Occupant): string => isSingle(one) ? `schedule ${one.schedule}` : `${one.task.id} ${one.queue} ${one.priority}`

/** The runs that may be there at an instant, and what they take at most of slots, queues, locks and the like. */
export class Occupancy {
  readonly #options: OccupancyOptions
  readonly #lanes = new Map<string, Lane>()

  constructor (options: OccupancyOptions) {
    this.#options = options
  }

  add (one: Occupant): void {
    const { task, queue, priority } = one
    const most = isSingle(one) ? 1 : Math.min(task.concurrency, this.#options.slots + 1)
    this.#lanes.getOrInsertComputed(keyOf(one), () => ({ task, queue, priority, most, occupants: [] })).occupants.push(one)
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
    for (const { occupants } of this.#lanes.values()) for (const { end } of occupants) if (end >= at && end < next) next = end
    return next + 1
  }

  /** What those take that may be there at some instant from `from` on, one of them left out. */
  beside (from: number, but: Occupant | null): Beside {
    const running: Begun[] = []
    const counts = new Map<string, number>()
    const left = but === null ? null : keyOf(but)
    for (const [key, lane] of this.#lanes) {
      const { task, queue, priority, most, occupants } = lane
      const count = key === left && isSingle(but!) ? 0 : Math.min(most, this.#count(lane, from, but))
      const before = counts.get(task.id) ?? 0
      const source = occupants[0]!.schedule === null ? 'manual' : 'schedule'
      counts.set(task.id, Math.min(before + count, task.concurrency))
      for (let each = before; each < counts.get(task.id)!; each++) {
        running.push({ task: task.id, queue, priority, locks: task.locks, alone: task.alone, source, due_at: from, resting: false })
      }
    }
    const { tasks, now, pauses, trials, config, slots, buckets } = this.#options
    const { standing, byTask } = occupancyOf({ tasks, running, slots, now, pauses, trials, buckets, config })
    return { ...standing, active: byTask }
  }

  #count ({ most, occupants }: Lane, from: number, but: Occupant | null): number {
    let count = 0
    for (const one of occupants) {
      if (one === but || one.end < from) continue
      if (++count >= most) break
    }
    return count
  }
}
