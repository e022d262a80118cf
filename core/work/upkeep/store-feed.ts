import { Lifecycle } from '../../model/base/service.ts'
import type { Change, Nearby, Said } from '../../engine/nearby.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'

export interface StoreFeedOptions {
  engine: Engine & Partial<Nearby>
  owner: string
  notice: Listener
  /** Called when facts were kept, such as a pause. */
  facts: () => void
  /** Called when schedules have changed. */
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
    const { facts, schedules } = this.#options
    for (const one of said) this.#say(one)
    if (kinds.has('facts')) facts()
    if (kinds.has('schedules')) schedules()
  }

  /** Says what nobody else here does: what an owner's own runner did it has said. */
  #say (said: Said): unknown {
    const { owner, notice } = this.#options
    if (said.kind === 'claimed' && said.run.owner === owner) return
    if (said.kind === 'settled' && said.owner === owner) return
    const { call: _, ...rest } = said
    if (rest.kind !== 'settled') return notice(rest)
    const { owner: __, ...settled } = rest
    notice(settled)
  }
}
