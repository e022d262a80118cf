import type { Active, ActiveRuns } from '../execute/active-runs.ts'
import type { Breathing } from '../context/context.ts'
import type { GateAnswer } from '../../model/conditions/gate.ts'
import type { Listener } from '../../model/notice.ts'

interface BreatheOptions {
  active: ActiveRuns
  notice: Listener
  /** Why a running run is to wait, or null. */
  closed: (active: Active) => GateAnswer | null
  /** Why a run that has given its slot to others cannot have one again, or null. */
  noSlot: (active: Active) => GateAnswer | null
  /** Called when a slot was given away. */
  changed: () => void
}

interface Waiter {
  active: Active
  resume: () => void
  slot: 'keep' | 'give'
}

/** `ctx.breathe`: lets running runs wait while their gates are closed. */
export class Breathe {
  readonly #options: BreatheOptions
  readonly #waiters = new Set<Waiter>()

  constructor (options: BreatheOptions) {
    this.#options = options
  }

  /** Resolves when the gates are open, or the run is asked to stop. With `slot: 'give'` others may use the slot
   *  meanwhile, and the run goes on when there is a slot for it again. */
  async take (active: Active, breathing: Breathing): Promise<void> {
    const reason = this.#options.closed(active)
    if (reason === null) return
    const slot = breathing.slot === 'give' ? 'give' : 'keep'
    const { notice, active: runs, changed } = this.#options
    notice({ kind: 'resting', id: active.run.id, task: active.task.id, code: reason.code, message: reason.message })
    active.progress.setMessage(`waits: ${reason.message}`)
    if (slot === 'give') {
      runs.rest(active)
      changed()
    }
    await this.#wait(active, slot)
  }

  /** Resumes the runs whose gates are open again, those that kept their slots first. Called before other runs take the
   *  free slots. */
  advance (): void {
    for (const waiter of [...this.#waiters].toSorted((a, b) => Number(a.slot === 'give') - Number(b.slot === 'give'))) {
      if (this.#mayGoOn(waiter)) waiter.resume()
    }
  }

  #mayGoOn ({ active, slot }: Waiter): boolean {
    const { closed, noSlot, active: runs } = this.#options
    if (closed(active) !== null) return false
    if (slot === 'keep') return true
    if (noSlot(active) !== null) return false
    // Taken as soon as it is found free: two resting runs must not take one slot.
    runs.resume(active)
    return true
  }

  #wait (active: Active, slot: Waiter['slot']): Promise<void> {
    const { stop } = active
    return new Promise(resolve => {
      const resume = () => {
        this.#waiters.delete(waiter)
        off()
        resolve()
      }
      const waiter: Waiter = { active, resume, slot }
      const off = stop.onAsk(resume)
      this.#waiters.add(waiter)
      if (stop.reason !== null) resume()
    })
  }
}
