import type { Commit } from '../in-process.ts'

interface PendingCommit {
  commit: number
  change: Commit
}

/** Which commits the disk has confirmed. A commit is followed by one sync at least, which may begin before others are
 *  committed: it confirms those that were there when it was asked for. */
export class DurableCommits {
  readonly #durable: (change: Commit) => void
  #committed = 0
  #confirmed = 0
  /** The last commit in which a run has come to its end. */
  #ended = 0
  #waiting: PendingCommit[] = []

  /** `durable`: called with what each commit has said once the disk has confirmed it, in their order. */
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

  /** Takes note of what a sync confirms that begins now or later; resolves and rejects with it. */
  async track (sync: Promise<void>): Promise<void> {
    const commit = this.#committed
    await sync
    if (commit <= this.#confirmed) return
    this.#confirmed = commit
    const upTo = this.#waiting.findIndex(one => one.commit > commit)
    const told = this.#waiting.splice(0, upTo < 0 ? this.#waiting.length : upTo)
    for (const { change } of told) this.#durable(change)
  }
}
