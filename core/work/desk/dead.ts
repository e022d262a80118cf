import { nearest } from '../../model/base/nearest.ts'
import { runConflict, runNotFound } from '../../model/errors/run-errors.ts'
import { taskNotFound } from '../../model/errors/task-errors.ts'
import { taskDisabled } from '../../model/errors/task-errors.ts'
import type { Bulk, Counted } from './bulk.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { DeadGroup } from '../../engine/reports.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Duration } from '../../model/base/duration.ts'
import type { Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'

interface DeadOptions {
  engine: Engine
  clock: Clock
  bulk: Bulk
  tasks: () => ReadonlyMap<string, Task>
}

/** Selects failed runs; without members, all of them. */
export interface DeadFilter {
  task?: string
  fingerprint?: string
}

export interface DeadAsk extends DeadFilter {
  by: string
  dry_run?: boolean
}

/** `vanished`: how many failed runs were left unchanged because their task is removed or disabled. */
export interface Replayed extends Counted {
  vanished: number
}

/** Dead letters: runs that have failed finally. Groups them by error, replays and discards them. */
export class Dead {
  readonly #options: DeadOptions

  constructor (options: DeadOptions) {
    this.#options = options
  }

  /** Grouped by task and error fingerprint, newest first. */
  async groups ({ task, fingerprint }: DeadFilter = {}): Promise<DeadGroup[]> {
    const groups = await this.#options.engine.dead(task === undefined ? {} : { task })
    return groups.filter(group => fingerprint === undefined || group.fingerprint === fingerprint)
  }

  /** Queues failed runs again, due `every` apart, as far as their queues have room. Throws OFFPEAK_TASK_NOT_FOUND,
   *  OFFPEAK_TASK_DISABLED, and OFFPEAK_QUEUE_FULL when no run could be queued. */
  async replay (
    { task, fingerprint, by, dry_run: dry = false, every = 0 }: DeadAsk & { every?: Duration }
  ): Promise<Replayed> {
    const { tasks, bulk } = this.#options
    if (task !== undefined && !tasks().has(task)) throw taskNotFound(task, nearest(task, [...tasks().keys()]))
    if (task !== undefined && bulk.retriable([task]).length === 0) throw taskDisabled(task)
    const groups = await this.groups({
      ...task !== undefined && { task },
      ...fingerprint !== undefined && { fingerprint }
    })
    const able = new Set(bulk.retriable(groups.map(group => group.task)))
    const [there, gone] = [groups.filter(group => able.has(group.task)), groups.filter(group => !able.has(group.task))]
    const filter = {
      state: ['failed' as const],
      ...task !== undefined && { task },
      ...fingerprint !== undefined && { fingerprint }
    }
    const counted = await bulk.change('retry', {
      filter,
      tasks: [...new Set(there.map(({ task: id }) => id))],
      by,
      dry_run: dry,
      every
    })
    return { ...counted, vanished: gone.reduce((sum, { count }) => sum + count, 0) }
  }

  /** Deletes failed runs, and records that. */
  async discard (
    { task, fingerprint, by, dry_run: dry = false, message }: DeadAsk & { message: string }
  ): Promise<Counted> {
    const filter = {
      state: ['failed' as const],
      ...task !== undefined && { task },
      ...fingerprint !== undefined && { fingerprint }
    }
    return await this.#options.bulk.change('remove', { filter, by, dry_run: dry, message })
  }

  /** Deletes one failed run. Throws OFFPEAK_RUN_NOT_FOUND, and OFFPEAK_RUN_CONFLICT when the run has not failed. */
  async discardOne (id: string, { by, message }: { by: string, message: string }): Promise<Run> {
    const { engine, bulk } = this.#options
    const before = await engine.get(id)
    if (before === null) throw runNotFound(id)
    if (before.state !== 'failed') {
      throw runConflict({ id, state: before.state, wanted: 'discarded: only failed runs can be' })
    }
    return await bulk.remove(id, { by, message, code: 'discarded' })
  }
}
