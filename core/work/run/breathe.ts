import type { Active, ActiveRuns } from './active.ts'
import type { Breathing } from '../context/context.ts'
import type { GateAnswer } from '../../model/gates/gate.ts'
import type { Listener } from '../../model/notice.ts'
import type { Situation } from '../conditions/situation.ts'

export interface BreathOptions {
  active: ActiveRuns
  situation: Situation
  notice: Listener
  /** Why a running run should pause, or null. */
  closed: (active: Active) => GateAnswer | null
  free: () => boolean
  /** Told when a slot was given away. */
  changed: () => void
}

/** The places inside a task at which it waits while its gates are closed. */
export class Breath {
  readonly #options: BreathOptions

  constructor (options: BreathOptions) {
    this.#options = options
  }

  /** Resolves when the gates are open, or the run is told to stop. With `slot: 'give'` others may use the slot meanwhile. */
  async take (active: Active, { slot = 'keep' }: Breathing): Promise<void> {
    const reason = this.#options.closed(active)
    if (reason === null) return
    const { notice, active: runs, changed } = this.#options
    notice({ kind: 'resting', id: active.run.id, task: active.task.id, code: reason.code, message: reason.message })
    active.progress.setMessage(`waits: ${reason.message}`)
    if (slot === 'keep') return await this.#opened(active, () => true)
    runs.rest(active)
    changed()
    // Taken in the same moment in which it is found free: two that rest must not both take one slot.
    await this.#opened(active, () => this.#options.free() && runs.resume(active))
  }

  #opened (active: Active, ready: () => boolean): Promise<void> {
    const { situation, closed } = this.#options
    const { signal } = active.stop
    return new Promise(resolve => {
      const end = () => {
        off()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const off = situation.onChange(() => { if (closed(active) === null && ready()) end() })
      signal.addEventListener('abort', end, { once: true })
    })
  }
}
