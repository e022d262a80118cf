import { setTimeout as wait } from 'node:timers/promises'
import { SECOND } from '../../model/base/duration.ts'
import { ofRun, signalAll } from './processes/process-group.ts'
import { isAlive, startedBy, treeOf } from './processes/process-tree.ts'
import type { Place } from './wire.ts'

/** Between asking what is left to end and ending it, and between two looks at what is left. */
const KILL_AFTER = SECOND
const LOOK_EVERY = 20

/** The processes that the function of a run has started in a thread, with all that those have started: by the thread as
 *  long as it lives, and by their environment. */
export class ThreadChildren {
  readonly #run: string
  #place: Place | null = null
  /** Seen so far: those that have left their parent are not found by it. */
  readonly #seen = new Set<number>()

  constructor (run: string) {
    this.#run = run
  }

  /** Says in which thread the run is executed; what that has started before is not the run's. */
  begin (place: Place): void {
    this.#place = place
  }

  /** Signals them. */
  async signal (signal: NodeJS.Signals): Promise<void> {
    const { task = null, children = [] } = this.#place ?? {}
    const own = task === null ? [] : startedBy('self', task).filter(pid => !children.includes(pid))
    for (const pid of [...treeOf(own), ...await ofRun(this.#run)]) this.#seen.add(pid)
    signalAll(this.#alive, signal)
  }

  /** Ends what is left: TERM, and a little later KILL. */
  async end (): Promise<void> {
    await this.signal('SIGTERM')
    for (let waited = 0; this.#alive.length > 0 && waited < KILL_AFTER; waited += LOOK_EVERY) await wait(LOOK_EVERY)
    if (this.#alive.length > 0) await this.signal('SIGKILL')
  }

  get #alive (): number[] {
    return [...this.#seen].filter(isAlive)
  }
}
