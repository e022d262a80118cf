import { Lifecycle } from '../../model/base/service.ts'
import { failureOf } from '../../model/run/failure.ts'
import { runScope } from './scope.ts'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'

/** Pins an error that nobody catches to the run that it comes from. Errors from elsewhere end the process, as they do without offpeak. */
export class LateErrors implements Service {
  readonly #notice: Listener
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
    const scope = runScope.getStore()
    if (scope === undefined && process.listenerCount('uncaughtException') === 1) {
      // Ours is the only listener: the process is to end as if there were none.
      process.off('uncaughtException', this.#caught)
      throw error
    }
    if (scope === undefined) return
    this.#notice({ kind: 'late_error', id: scope.id, task: scope.task, error: failureOf(error) })
  }
}
