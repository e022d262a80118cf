import { groupOf, shareOf, treeMemory, treeOf, treeUsage } from './process-tree.ts'
import { inSession, killGroup, ofRun, signalAll } from './process-group.ts'
import { metered } from './meter.ts'
import type { MemoryBound, Meter } from './meter.ts'
import type { Usage } from '../../../model/run/usage.ts'

const MIB = 2 ** 20

interface RunTreeOptions {
  /** The leader of the group and the session; undefined when it could not be started. */
  pid: number | undefined
  run: string
  /** What it and all that it has started may hold together. */
  limitMb: number | null
  /** False: it loads what executes the task first, and nothing counts before `empty` says what that holds. */
  isOwn: boolean
}

/** The processes of one run that is executed in a process of its own: what they take, how much they hold, and how they
 *  are ended. */
export class RunTree {
  readonly #pid: number | undefined
  readonly #run: string
  readonly #limitMb: number | null
  readonly #meter: Meter
  /** What the process holds while the task has done nothing: it does not count. Infinity: that is not known yet. */
  #emptyBytes: number
  /** The same with shared pages counted in part, as they are once it has children. */
  #emptyShare: Promise<number | null> = Promise.resolve(0)
  #heldBytes: number | null = null

  constructor ({ pid, run, limitMb, isOwn }: RunTreeOptions) {
    this.#pid = pid
    this.#run = run
    this.#limitMb = limitMb
    this.#emptyBytes = isOwn ? 0 : Infinity
    this.#meter = metered(() => pid === undefined ? null : treeUsage(pid), this.#bound())
  }

  /** What was held when the limit was exceeded; null: it was not. */
  get heldBytes (): number | null {
    return this.#heldBytes
  }

  /** Says what the process holds before the task begins. */
  empty (bytes: number): void {
    this.#emptyBytes = bytes
    if (this.#pid !== undefined) this.#emptyShare = shareOf(this.#pid)
  }

  /** Signals all of them: once each, also those that have left the group. */
  signal (signal: NodeJS.Signals): void {
    const pid = this.#pid
    if (pid === undefined) return
    void this.#meter.look()
    const others = treeOf([pid]).filter(one => groupOf(one) !== pid)
    killGroup(pid, signal)
    signalAll(others, signal)
  }

  /** Ends what is left in the session of the process; after a stop also what has left that. Returns what all of them
   *  have taken. */
  async end ({ stopped }: { stopped: boolean }): Promise<Usage | null> {
    const used = this.#meter.end()
    if (this.#pid === undefined) return used
    killGroup(this.#pid, 'SIGKILL')
    signalAll(await inSession(this.#pid), 'SIGKILL')
    if (stopped || this.#heldBytes !== null) signalAll(await ofRun(this.#run), 'SIGKILL')
    return used
  }

  async #held (): Promise<number | null> {
    const held = this.#pid === undefined ? null : await treeMemory(this.#pid)
    if (held === null) return null
    return held.bytes - (held.inShares ? await this.#emptyShare ?? this.#emptyBytes : this.#emptyBytes)
  }

  #bound (): MemoryBound | null {
    if (this.#limitMb === null) return null
    return {
      bytes: this.#limitMb * MIB,
      seen: ({ memory_peak_bytes: bytes }) => bytes - this.#emptyBytes,
      held: () => this.#held(),
      over: bytes => {
        this.#heldBytes = bytes
        this.signal('SIGKILL')
      }
    }
  }
}
