import { Lifecycle } from '../../model/base/service.ts'
import { failureOf } from '../../model/run/failure.ts'
import { fileScope } from '../../load/file/file-scope.ts'
import { runScope } from './scope.ts'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'

/** The origin of an error: a run, or with `file` the module of a task file outside any run. */
interface Origin {
  id: string | null
  task: string | null
  file?: string
}

/** The first 10 errors of an origin are reported, then the 100th, 1000th and so on: a timer that throws every
 *  millisecond must not fill the log. */
const REPORTED = 10
const MOST_ORIGINS = 1000

const isReported = (count: number): boolean => count <= REPORTED || /^10*$/.test(String(count))

/** The origin of the code that is executing: a run or the module of a task file; null for neither. */
export function originOf (): Origin | null {
  const run = runScope.getStore()
  if (run !== undefined) return { id: run.id, task: run.task }
  const file = fileScope.getStore()
  return file === undefined ? null : { id: null, task: null, file }
}

/** Counts errors by origin. */
class Counts {
  readonly #counts = new Map<string, number>()

  next ({ id, file = '' }: Origin): number {
    const key = id ?? file
    const count = (this.#counts.get(key) ?? 0) + 1
    this.#counts.delete(key)
    this.#counts.set(key, count)
    if (this.#counts.size > MOST_ORIGINS) this.#counts.delete(this.#counts.keys().next().value!)
    return count
  }
}

/** Attributes uncaught errors to the run or the task file that they come from. Other uncaught errors end the process,
 *  as without offpeak, unless there is another listener for them. */
export class UncaughtErrors implements Service {
  readonly #notice: Listener
  readonly #counts = new Counts()
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor (notice: Listener) {
    this.#notice = notice
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  #start (): void {
    process.on('uncaughtException', this.#caught)
    process.on('unhandledRejection', this.#caught)
  }

  #stop (): void {
    process.off('uncaughtException', this.#caught)
    process.off('unhandledRejection', this.#caught)
  }

  readonly #caught = (error: unknown): void => {
    const origin = originOf()
    if (origin === null && process.listenerCount('uncaughtException') === 1) {
      // This is the only listener, so the process must end as if there were none.
      process.off('uncaughtException', this.#caught)
      throw error
    }
    if (origin === null) return
    const count = this.#counts.next(origin)
    if (isReported(count)) {
      this.#notice({ kind: 'late_error', ...origin, ...count > REPORTED && { count }, error: failureOf(error) })
    }
  }
}
