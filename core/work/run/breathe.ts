import type { Active, ActiveRuns } from '../execute/active-runs.ts'
import type { Breathing } from '../context/context.ts'
import type { GateAnswer } from '../../model/conditions/gate.ts'
import type { Listener } from '../../model/notice.ts'

interface BreatheOptions {
  active: ActiveRuns
  notice: Listener
  /** Why a running run must wait, or null. */
  closed: (active: Active) => GateAnswer | null
  /** Why a run that gave up its slot cannot get one again, or null. */
  noSlot: (active: Active) => GateAnswer | null
  /** Called when a slot was given up. */
  changed: () => void
}

interface Waiter {
  active: Active
  resume: () => void
  slot: 'keep' | 'give'
}

/** Implements `ctx.breathe`: makes running runs wait while their gates are closed. */
export class Breathe {
  readonly #options: BreatheOptions
  readonly #waiters = new Set<Waiter>()

  constructor (options: BreatheOptions) {
    this.#options = options
  }

  /** Resolves when the gates are open, or when the run is asked to stop. With `slot: 'give'` other runs may use the
   *  slot while it waits, and the run continues when a slot is free again. */
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

  /** Resumes the runs whose gates are open again, first those that kept their slots. Call it before other runs take the
   *  free slots. */
  advance (): void {
    for (const waiter of [...this.#waiters].toSorted((a, b) => Number(a.slot === 'give') - Number(b.slot === 'give'))) {
      if (this.#mayContinue(waiter)) waiter.resume()
    }
  }

  #mayContinue ({ active, slot }: Waiter): boolean {
    const { closed, noSlot, active: runs } = this.#options
    if (closed(active) !== null) return false
    if (slot === 'keep') return true
    if (noSlot(active) !== null) return false
    // Takes the slot in the same turn of the event loop: two resting runs must not take the same slot.
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
