import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Failure } from '../../model/run/outcome.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'

/** A schedule that cannot be planned or fired. Instants are epoch ms; `retry_at` null: it is not retried until its
 *  definition changes. */
export interface ScheduleFault {
  schedule: string
  task: string
  error: Failure
  since: number
  failures: number
  retry_at: number | null
}

type Named = Pick<Schedule, 'id' | 'task'>

const FIRST_WAIT = SECOND
const LONGEST_WAIT = 5 * MINUTE

/** The longest wait while the store is not available, ms: the schedule is not at fault, and its fires are late during
 *  the wait. */
const STORE_WAIT = 8 * SECOND

/** How long a schedule waits after a number of failures in a row, ms: each wait doubles the last one, up to the
 *  longest. */
export const faultWait = (failures: number, longest = LONGEST_WAIT): number =>
  Math.min(longest, FIRST_WAIT * 2 ** Math.min(failures - 1, 20))

/** True when the store is locked or unreachable, or its disk is full. */
const isOfStore = (thrown: unknown): boolean =>
  thrown instanceof OffpeakError && (thrown.statusCode === 503 || thrown.statusCode === 507)

/** The schedules that fail, with the instant of the next try. */
export class ScheduleFaults {
  readonly #faults = new Map<string, ScheduleFault>()

  get all (): ScheduleFault[] {
    return [...this.#faults.values()]
  }

  has (id: string): boolean {
    return this.#faults.has(id)
  }

  /** Records a failure. Returns the fault with the instant of the next try. */
  note ({ id, task }: Named, thrown: unknown, now: number): ScheduleFault {
    const known = this.#faults.get(id)
    const failures = (known?.failures ?? 0) + 1
    return this.#keep({
      schedule: id,
      task,
      error: failureOf(thrown),
      since: Math.min(known?.since ?? now, now),
      failures,
      retry_at: now + faultWait(failures, isOfStore(thrown) ? STORE_WAIT : LONGEST_WAIT)
    })
  }

  /** Records a fault that a retry does not fix. */
  noteLasting ({ id, task }: Named, thrown: unknown, now: number): ScheduleFault {
    return this.#keep({ schedule: id, task, error: failureOf(thrown), since: now, failures: 1, retry_at: null })
  }

  /** Removes the fault of a schedule. Returns false when there was none. */
  mend (id: string): boolean {
    return this.#faults.delete(id)
  }

  #keep (fault: ScheduleFault): ScheduleFault {
    this.#faults.set(fault.schedule, fault)
    return fault
  }
}
