import { STUCK } from '../context/file-calls.ts'
import type { FileCalls, OpenCall } from '../context/file-calls.ts'
import type { Listener } from '../../model/notice.ts'

interface IoWatchOptions {
  calls: Pick<FileCalls, 'longerThan'>
  notice: Listener
}

/** Sends a notice for each run that waits for a file system that does not answer, once. */
export class IoWatch {
  readonly #options: IoWatchOptions
  readonly #reported = new Set<string | null>()

  constructor (options: IoWatchOptions) {
    this.#options = options
  }

  get found (): OpenCall[] {
    return this.#options.calls.longerThan(STUCK)
  }

  look (): void {
    const { found } = this
    for (const run of this.#reported) if (found.every(call => call.run !== run)) this.#reported.delete(run)
    for (const { run, task, ms } of found) {
      if (this.#reported.has(run)) continue
      this.#reported.add(run)
      this.#options.notice({ kind: 'io_stuck', id: run, task, ms })
    }
  }
}
