import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { Alarm } from '../plan/alarm.ts'
import { earliest } from '../../model/base/clock.ts'
import { earlyOffers, offersFor } from '../../model/admit/offers.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Breathe } from './breathe.ts'
import type { Claims } from './claims.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Dependencies } from '../conditions/dependencies.ts'
import type { DueRuns, Engine } from '../../engine/engine.ts'
import type { Holding } from './holding.ts'
import type { Listener } from '../../model/notice.ts'
import type { Offers } from '../../model/admit/offers.ts'
import type { Prefetch } from './prefetch.ts'
import type { Task } from '../../model/task/task.ts'
import type { Verdicts } from './verdicts.ts'

/** At most this many unsettled runs per slot: claims stop when the disk stores no settlements. */
const UNSETTLED_PER_SLOT = 100

/** A run that was held for longer than this counts as piled up. Piled-up runs start one after the other. */
const LONG_HOLD = 10 * MINUTE

/** The machine has slept when the wall clock gains this much on the monotonic clock between two looks. */
const SLEPT = MINUTE

/** The wait after a failed look. It doubles with each failure, up to the longest. */
const RETRY_MS = SECOND
const LONGEST_RETRY_MS = 60 * SECOND

interface ClaimerOptions {
  owner: string
  engine: Engine
  clock: Clock
  notice: Listener
  verdicts: Verdicts
  holding: Holding
  breathe: Breathe
  dependencies: Dependencies
  prefetch: Prefetch
  claims: Claims
  tasks: () => ReadonlyMap<string, Task>
  slots: () => number
  /** The number of runs that are running, or that have ended and are not settled yet. */
  pending: () => number
  /** How long before its due instant a run may be claimed, ms; default 0. */
  leadMs?: number
  /** Begins the prefetched runs that may begin now. */
  advance: () => void
  /** Called when a look has failed. It may have claimed runs. */
  failed: () => void
}

/** Looks for due runs, and claims those that may start. */
export class Claimer {
  readonly #options: ClaimerOptions
  readonly #alarm: Alarm
  /** False before the start, and after claiming has stopped. */
  #isOpen = false
  #looking: Promise<void> | null = null
  #again = false
  #failures = 0
  #lastSeen: { wall: number, monotonic: number } | null = null
  /** When the engine last answered a look, epoch ms; 0 before the first answer. */
  lastLookAt = 0

  constructor (options: ClaimerOptions) {
    this.#options = options
    this.#alarm = new Alarm({ clock: options.clock, ring: () => this.#ring(), exact: true })
  }

  get isOpen (): boolean {
    return this.#isOpen
  }

  /** Starts claiming. Runs that have waited since before this call count as piled up. */
  open (): void {
    this.#options.verdicts.piledUpBefore = this.#options.clock.now()
    this.#isOpen = true
    this.wake()
  }

  /** Stops claiming. */
  close (): void {
    this.#isOpen = false
    this.#alarm.clear()
  }

  /** Looks for work soon; calls during a look share the next one. */
  wake (): void {
    if (!this.#isOpen) return
    this.#again = true
    this.#looking ??= this.#lookAgain().finally(() => {
      this.#looking = null
    })
  }

  /** Resolves when no look is under way. */
  async settled (): Promise<void> {
    while (this.#looking) await this.#looking
  }

  async #lookAgain (): Promise<void> {
    const { clock, notice, advance, failed } = this.#options
    try {
      while (this.#again && this.#isOpen) {
        this.#again = false
        const found = await this.#look()
        if (found === true) {
          advance()
          this.#again = true
        } else if (this.#isOpen) this.#alarm.set(found)
      }
      this.#failures = 0
    } catch (error) {
      notice({ kind: 'engine_failed', call: 'claim', error: failureOf(error) })
      failed()
      const wait = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** this.#failures++)
      if (this.#isOpen) this.#alarm.set(clock.now() + wait)
    }
  }

  #ring (): void {
    this.#options.advance()
    this.wake()
  }

  /** One look. Returns true when there may be more to claim, else the instant at which the passing of time requires the
   *  next look (epoch ms), or null. */
  async #look (): Promise<true | number | null> {
    const { engine, clock, owner, slots, pending, dependencies, verdicts, holding, prefetch, breathe, claims, tasks } =
      this.#options
    const limit = UNSETTLED_PER_SLOT * slots() - pending()
    if (limit <= 0) return null
    const due = await engine.due({ now: clock.now(), owner })
    verdicts.learn(due)
    await dependencies.look(tasksOf(due), tasks())
    this.lastLookAt = clock.now()
    this.#noticeSleep()
    breathe.advance()
    const found = this.#offers(due, Math.max(0, limit - slots()))
    verdicts.reserved = found.reserved
    if (await claims.claim(found, { now: clock.now(), limit }) > 0) return true
    const again = await holding.settleHeld(found.judged)
    await this.#claimEarly(due.next_at)
    return earliest([again, due.next_at, prefetch.at])
  }

  /** Runs that fell due while the machine slept count as piled up. */
  #noticeSleep (): void {
    const { clock, verdicts } = this.#options
    const now = { wall: clock.now(), monotonic: clock.monotonic() }
    const last = this.#lastSeen
    const slept = last === null ? 0 : (now.wall - last.wall) - (now.monotonic - last.monotonic)
    this.#lastSeen = now
    if (slept >= SLEPT) verdicts.piledUpBefore = now.wall
    // The clock may have been set back since then.
    if (verdicts.piledUpBefore !== null) verdicts.piledUpBefore = Math.min(verdicts.piledUpBefore, now.wall)
  }

  #offers (due: DueRuns, spare: number): Offers {
    const { verdicts, prefetch, slots, holding, claims } = this.#options
    const prefetchOf = (task: string) => Math.min(prefetch.of(task, slots()), spare)
    const ask = { ...verdicts.facts(), due, turns: claims.turns, prefetch: prefetchOf }
    const found = offersFor(ask)
    const began = verdicts.piledUpBefore ?? -Infinity
    const isLongHeld = found.judged.some(one => {
      const since = one.judgement.decision === 'start' ? holding.log.heldSince(one) : null
      return since !== null && since >= began && ask.now - since >= LONG_HOLD
    })
    if (!isLongHeld) return found
    verdicts.piledUpBefore = ask.now
    return offersFor({ ...ask, piledUpBefore: ask.now })
  }

  /** Claims runs that become due within the lead, with the verdicts of their due instant, so that they begin on
   *  time. */
  async #claimEarly (at: number | null): Promise<void> {
    const { engine, clock, owner, leadMs = 0, prefetch, verdicts, pending, slots, claims } = this.#options
    const limit = UNSETTLED_PER_SLOT * slots() - pending()
    if (at === null || at > clock.now() + leadMs || prefetch.size > 0 || limit <= 0) return
    const due = await engine.due({ now: at, owner })
    await claims.claim(earlyOffers({ ...verdicts.facts(), now: at, due }), { now: at, limit })
  }
}

const tasksOf = ({ cohorts, singles }: DueRuns): string[] => [
  ...new Set([...cohorts.map(({ task }) => task), ...singles.map(({ task }) => task)])
]
