import { setTimeout as wait } from 'node:timers/promises'
import { SECOND } from '../../model/base/duration.ts'
import { ofRun, signalAll } from './processes/process-group.ts'
import { isAlive, startedBy, treeOf } from './processes/process-tree.ts'
import type { Place } from './wire.ts'

/** The time between SIGTERM and SIGKILL, and between two checks for remaining processes, ms. */
const KILL_AFTER = SECOND
const CHECK_EVERY = 20

/** The processes that the function of a run has started in a thread, and their descendants. They are found as children
 *  of the thread while it lives, and by their environment. */
export class ThreadChildren {
  readonly #run: string
  #place: Place | null = null
  /** The processes seen so far: one whose parent has ended is not found through it. */
  readonly #seen = new Set<number>()

  constructor (run: string) {
    this.#run = run
  }

  /** Sets the thread in which the run is executed. Processes that it started before do not belong to the run. */
  begin (place: Place): void {
    this.#place = place
  }

  /** Signals the processes. */
  async signal (signal: NodeJS.Signals): Promise<void> {
    const { task = null, children = [] } = this.#place ?? {}
    const own = task === null ? [] : startedBy('self', task).filter(pid => !children.includes(pid))
    for (const pid of [...treeOf(own), ...await ofRun(this.#run)]) this.#seen.add(pid)
    signalAll(this.#alive, signal)
  }

  /** Ends remaining processes: SIGTERM, and SIGKILL after `KILL_AFTER`. */
  async end (): Promise<void> {
    await this.signal('SIGTERM')
    for (let waited = 0; this.#alive.length > 0 && waited < KILL_AFTER; waited += CHECK_EVERY) await wait(CHECK_EVERY)
    if (this.#alive.length > 0) await this.signal('SIGKILL')
  }

  get #alive (): number[] {
    return [...this.#seen].filter(isAlive)
  }
}
