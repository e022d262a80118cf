import { STUCK } from '../context/file-calls.ts'
import type { FileCalls, OpenCall } from '../context/file-calls.ts'
import type { Listener } from '../../model/notice.ts'

interface IoWatchOptions {
  calls: Pick<FileCalls, 'longerThan'>
  notice: Listener
}

/** Says which runs wait for a file system that does not answer, once each. */
export class IoWatch {
  readonly #options: IoWatchOptions
  readonly #said = new Set<string | null>()

  constructor (options: IoWatchOptions) {
    this.#options = options
  }

  get found (): OpenCall[] {
    return this.#options.calls.longerThan(STUCK)
  }

  look (): void {
    const { found } = this
    for (const run of this.#said) if (found.every(call => call.run !== run)) this.#said.delete(run)
    for (const { run, task, ms } of found) {
      if (this.#said.has(run)) continue
      this.#said.add(run)
      this.#options.notice({ kind: 'io_stuck', id: run, task, ms })
    }
  }
}
