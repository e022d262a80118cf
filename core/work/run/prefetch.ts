import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import { prefetchLimit, nextRunPace } from '../../model/admit/prefetch-limit.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { RunPace } from '../../model/admit/prefetch-limit.ts'
import type { Task } from '../../model/task/task.ts'

/** How long a prefetched run waits for a slot before it is given back, ms. */
const PATIENCE = SECOND / 5

/** At most this many paces are kept. */
const MOST_TASKS = 10_000

interface PrefetchOptions {
  clock: Clock
  /** Gives back a run that has not begun. */
  giveBack: (run: Claimed) => void
}

/** Runs of quick tasks that are claimed before a slot is free, and runs that are claimed shortly before they are due.
 *  They begin in the order of their claims. */
export class Prefetch {
  readonly #options: PrefetchOptions
  readonly #paces = new Map<string, RunPace>()
  #runs: { run: Claimed, task: Task }[] = []
  #next = 0
  #expire: (() => void) | null = null
  /** True after a prefetched run has waited too long for a slot. Nothing is prefetched until a slot is free. */
  #stalled = false

  constructor (options: PrefetchOptions) {
    this.#options = options
  }

  get size (): number {
    return this.#runs.length - this.#next
  }

  /** Records how long a run of a task held its slot, ms. */
  learn ({ id, work }: Task, ms: number): void {
    this.#stalled = false
    if (work.kind !== 'function') return
    if (this.#paces.size >= MOST_TASKS && !this.#paces.has(id)) this.#paces.clear()
    this.#paces.set(id, nextRunPace(this.#paces.get(id), ms))
  }

  /** How many runs of a task may be prefetched now: 0 while others wait, because they would start before more urgent
   *  runs. */
  of (task: string, slots: number): number {
    return this.size > 0 || this.#stalled ? 0 : prefetchLimit(this.#paces.get(task), slots)
  }

  /** The due instant of the first run, epoch ms; null when it is due already, or when there is no run. */
  get at (): number | null {
    const due = this.#runs[this.#next]?.run.due_at ?? 0
    return due > this.#options.clock.now() ? due : null
  }

  put (run: Claimed, task: Task): void {
    const { clock } = this.#options
    this.#runs.push({ run, task })
    this.#expire ??= after(clock, Math.max(0, run.due_at - clock.now()) + PATIENCE, () => this.#giveUp())
  }

  /** Removes and returns the first run if it may begin now, else null. Gives back runs whose task has changed, and runs
   *  that have waited too long. */
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

  /** True when the claim is so old that the machine must have slept: its verdict may be out of date. */
  #isOld ({ started_at: at }: Claimed): boolean {
    return this.#options.clock.now() - at! > PATIENCE
  }

  /** True when a run waits here. */
  has (id: string): boolean {
    return this.#runs.some(({ run }, place) => place >= this.#next && run.id === id)
  }

  /** Gives one run back; false when it does not wait here. */
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

  /** Gives all waiting runs back. */
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
