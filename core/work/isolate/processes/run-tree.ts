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
  /** The memory limit of the process and its descendants together, MiB; null: none. */
  limitMb: number | null
  /** False: the process first loads the code that executes tasks, and the limit applies after `empty` was called. */
  isOwn: boolean
}

/** The processes of a run that is executed in its own process: measures, limits and ends them. */
export class RunTree {
  readonly #pid: number | undefined
  readonly #run: string
  readonly #limitMb: number | null
  readonly #meter: Meter
  /** The memory that the process holds before the task begins, which does not count; Infinity until it is known. */
  #emptyBytes: number
  /** The same with shared pages counted in part, for when the process has children. */
  #emptyShare: Promise<number | null> = Promise.resolve(0)
  #heldBytes: number | null = null

  constructor ({ pid, run, limitMb, isOwn }: RunTreeOptions) {
    this.#pid = pid
    this.#run = run
    this.#limitMb = limitMb
    this.#emptyBytes = isOwn ? 0 : Infinity
    this.#meter = metered(() => pid === undefined ? null : treeUsage(pid), this.#bound())
  }

  /** The memory that was held when the limit was exceeded, bytes; null when it was not. */
  get heldBytes (): number | null {
    return this.#heldBytes
  }

  /** Sets the memory that the process holds before the task begins, bytes. */
  empty (bytes: number): void {
    this.#emptyBytes = bytes
    if (this.#pid !== undefined) this.#emptyShare = shareOf(this.#pid)
  }

  /** Signals all processes once, including those that have left the group. */
  signal (signal: NodeJS.Signals): void {
    const pid = this.#pid
    if (pid === undefined) return
    void this.#meter.look()
    const others = treeOf([pid]).filter(one => groupOf(one) !== pid)
    killGroup(pid, signal)
    signalAll(others, signal)
  }

  /** Kills the processes left in the session; after a stop also those that have left it. Resolves to the usage of all
   *  of them. */
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
