import { Lifecycle } from '../../model/base/service.ts'
import { commitNotices } from './commit-notices.ts'
import type { Commit, InProcess } from '../../engine/in-process.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener, Notice, NoticeKind } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'

interface StoreFeedOptions {
  engine: Engine & Partial<InProcess>
  owner: string
  notice: Listener
  /** Called when facts, such as pauses, have changed. */
  facts: () => void
  /** Called when other owners may have changed schedules. */
  schedules: () => void
}

/** Notices that wait until their commit is durable: a power cut could still undo it. */
const ENDS: ReadonlySet<NoticeKind> = new Set<NoticeKind>(['settled', 'cancelled', 'removed', 'changed'])

/** Follows the commits of all owners of the store: turns them into notices, and notifies the parts that depend on
 *  stored data. An engine that reports no commits relies on the timed loops. */
export class StoreFeed implements Service {
  readonly #options: StoreFeedOptions
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  readonly #offs: (() => void)[] = []
  /** The notices of commits that are not durable yet. */
  readonly #late = new Map<Commit, Notice[]>()

  constructor (options: StoreFeedOptions) {
    this.#options = options
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  #start (): void {
    const { engine, notice } = this.#options
    this.#listen(engine.onCommit?.(change => this.#follow(change)))
    this.#listen(engine.onDurable?.(change => {
      const late = this.#late.get(change) ?? []
      this.#late.delete(change)
      for (const one of late) notice(one)
    }))
  }

  #listen (off: (() => void) | undefined): void {
    if (off !== undefined) this.#offs.push(off)
  }

  /** Waits until all commits are durable, so that their notices are still sent. */
  async #stop (): Promise<void> {
    await Promise.resolve(this.#options.engine.unconfirmed?.()).catch(() => undefined)
    for (const off of this.#offs.splice(0)) off()
    this.#late.clear()
  }

  #follow (change: Commit): void {
    const { kinds, events } = change
    const { engine, owner, notice, facts, schedules } = this.#options
    const late: Notice[] = []
    for (const one of commitNotices(events, owner)) {
      if (engine.onDurable !== undefined && ENDS.has(one.kind)) late.push(one)
      else notice(one)
    }
    if (late.length > 0) this.#late.set(change, late)
    if (kinds.has('facts')) facts()
    if (kinds.has('schedules') && (engine.users?.() ?? 1) > 1) schedules()
  }
}
