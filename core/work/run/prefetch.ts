import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import { prefetchLimit, nextRunPace } from '../../model/admit/prefetch.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { RunPace } from '../../model/admit/prefetch.ts'
import type { Task } from '../../model/task/task.ts'

/** A claimed run that no slot was free for waits no longer: then its slot was not as near as it had seemed, and it goes
 *  back. */
const PATIENCE = SECOND / 5

/** Tasks whose pace is remembered, at most. */
const MOST_TASKS = 10_000

interface PrefetchOptions {
  clock: Clock
  /** Puts a run back that was never begun. */
  giveBack: (run: Claimed) => void
}

/** Runs that are claimed before there is a slot for them, of quick tasks only, or some ms before their instant: first
 *  come first, and not for long. */
export class Prefetch {
  readonly #options: PrefetchOptions
  readonly #paces = new Map<string, RunPace>()
  #runs: { run: Claimed, task: Task }[] = []
  #next = 0
  #expire: (() => void) | null = null
  /** No slot came free for what was claimed: none is claimed so before one does. */
  #stalled = false

  constructor (options: PrefetchOptions) {
    this.#options = options
  }

  get size (): number {
    return this.#runs.length - this.#next
  }

  /** Learns how long a run took, from its start until its slot was free (ms). */
  learn ({ id, work }: Task, ms: number): void {
    this.#stalled = false
    if (work.kind !== 'function') return
    if (this.#paces.size >= MOST_TASKS && !this.#paces.has(id)) this.#paces.clear()
    this.#paces.set(id, nextRunPace(this.#paces.get(id), ms))
  }

  /** How many runs of a task may be claimed so now: none while others wait here, for those would come before what is
   *  more urgent. */
  of (task: string, slots: number): number {
    return this.size > 0 || this.#stalled ? 0 : prefetchLimit(this.#paces.get(task), slots)
  }

  /** The instant for which the first run waits, or null. */
  get at (): number | null {
    const due = this.#runs[this.#next]?.run.due_at ?? 0
    return due > this.#options.clock.now() ? due : null
  }

  put (run: Claimed, task: Task): void {
    const { clock } = this.#options
    this.#runs.push({ run, task })
    this.#expire ??= after(clock, Math.max(0, run.due_at - clock.now()) + PATIENCE, () => this.#giveUp())
  }

  /** The first run, if it may begin now; one whose task is defined anew goes back, and one that has waited for too
   *  long. */
  take (
    tasks: ReadonlyMap<string, Task>,
    begins: (task: Task, run: Claimed) => boolean
  ): { run: Claimed, task: Task } | null {
    while (this.size > 0) {
      const first = this.#runs[this.#next]!
      const same = tasks.get(first.task.id) === first.task && !this.#isOld(first.run)
      if (same && !begins(first.task, first.run)) return null
      this.#next++
      if (this.size === 0) this.#reset()
      if (same) return first
      this.#options.giveBack(first.run)
    }
    return null
  }

  /** True when the machine has slept meanwhile: what it was claimed on is no longer so. */
  #isOld ({ started_at: at }: Claimed): boolean {
    return this.#options.clock.now() - at! > PATIENCE
  }

  /** True for a run that waits here. */
  has (id: string): boolean {
    return this.#runs.some(({ run }, place) => place >= this.#next && run.id === id)
  }

  /** Puts one run back; false when it does not wait here. */
  drop (id: string): boolean {
    const found = this.#runs.findIndex(({ run }, place) => place >= this.#next && run.id === id)
    if (found < 0) return false
    const [gone] = this.#runs.splice(found, 1)
    if (this.size === 0) this.#reset()
    this.#options.giveBack(gone!.run)
    return true
  }

  #giveUp (): void {
    this.#stalled = this.size > 0
    this.clear()
  }

  /** Puts all back that wait. */
  clear (): void {
    const left = this.#runs.slice(this.#next)
    this.#reset()
    for (const { run } of left) this.#options.giveBack(run)
  }

  #reset (): void {
    this.#runs = []
    this.#next = 0
    this.#expire?.()
    this.#expire = null
  }
}
