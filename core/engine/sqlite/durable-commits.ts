import type { Commit } from '../in-process.ts'

interface PendingCommit {
  commit: number
  change: Commit
}

/** Tracks which commits the disk has confirmed. A sync confirms the commits that existed when it was requested. */
export class DurableCommits {
  readonly #durable: (change: Commit) => void
  #committed = 0
  #confirmed = 0
  /** The last commit in which a run ended. */
  #ended = 0
  #waiting: PendingCommit[] = []

  /** `durable`: called with each commit that has events once the disk has confirmed it, in order. */
  constructor (durable: (change: Commit) => void) {
    this.#durable = durable
  }

  /** True while a power cut could undo the end of a run. */
  get hasUnconfirmedEnd (): boolean {
    return this.#ended > this.#confirmed
  }

  /** True when a power cut could undo no commit. */
  get isCaughtUp (): boolean {
    return this.#confirmed === this.#committed
  }

  add (change: Commit, ended: boolean): void {
    this.#committed += 1
    if (ended) this.#ended = this.#committed
    if (change.events.length > 0) this.#waiting.push({ commit: this.#committed, change })
  }

  /** Marks the commits so far as durable when the sync resolves. Settles like the sync. */
  async track (sync: Promise<void>): Promise<void> {
    const commit = this.#committed
    await sync
    if (commit <= this.#confirmed) return
    this.#confirmed = commit
    const upTo = this.#waiting.findIndex(one => one.commit > commit)
    const confirmed = this.#waiting.splice(0, upTo < 0 ? this.#waiting.length : upTo)
    for (const { change } of confirmed) this.#durable(change)
  }
}
