import { Lifecycle } from '../../model/base/service.ts'
import { noticesOf } from './said.ts'
import type { Change, Nearby } from '../../engine/nearby.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'

export interface StoreFeedOptions {
  engine: Engine & Partial<Nearby>
  owner: string
  notice: Listener
  /** Called when facts were kept, such as a pause. */
  facts: () => void
  /** Called when schedules have changed, if others may have changed them. */
  schedules: () => void
}

/** Follows what is committed to the store, whoever asked for it: says what happened to runs, and tells the parts that have to look again. An engine
 *  that is in another process has none of it: there the timed loops look. */
export class StoreFeed implements Service {
  readonly #options: StoreFeedOptions
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#off() })
  #off: () => void = () => undefined

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
    this.#off = this.#options.engine.onChange?.(change => this.#hear(change)) ?? (() => undefined)
  }

  #hear ({ kinds, said }: Change): void {
    const { engine, owner, notice, facts, schedules } = this.#options
    for (const one of noticesOf(said, owner)) notice(one)
    if (kinds.has('facts')) facts()
    if (kinds.has('schedules') && (engine.users?.() ?? 1) > 1) schedules()
  }
}
