import { LEASE } from './lease.ts'
import { MINUTE, milliseconds } from '../../model/base/duration.ts'
import { earliest } from '../../model/base/clock.ts'
import { earlyOffers, offersFor, turnOf } from '../../model/admit/offers.ts'
import { failureOf } from '../../model/run/failure.ts'
import { isSame } from './verdicts.ts'
import { PREFETCH_RANK } from '../../model/gates/urgency.ts'
import { CLOSED, MISSING, STOPPED, UNREADABLE } from './reasons.ts'
import type { ActiveRuns } from './active.ts'
import type { Breathe } from './breathe.ts'
import type { ClaimAsk, Claimed, Due, Engine } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Dependencies } from '../conditions/dependencies.ts'
import type { Holding } from './holding.ts'
import type { Listener } from '../../model/notice.ts'
import type { Offer } from '../../model/run/cohort.ts'
import type { Offers } from '../../model/admit/offers.ts'
import type { Prefetch } from './prefetch.ts'
import type { Run } from '../../model/run/run.ts'
import type { Turns } from '../../model/gates/relaxation.ts'
import type { Task } from '../../model/task/task.ts'
import type { Under, Verdicts } from './verdicts.ts'

/** At most so many unsettled runs per slot: a disk that stops taking them stops the runner. */
const UNSETTLED = 100

/** What was held for so long comes back bit by bit. */
const LONG_HOLD = 10 * MINUTE

/** The wall clock is so far ahead of the monotonic one: the machine has slept. */
const SLEPT = MINUTE

/** A claimed run whose prerequisites cannot be read is tried again after so long. */
const LEND_AGAIN = 5000

export interface ClaimerOptions {
  owner: string
  engine: Engine
  clock: Clock
  notice: Listener
  active: ActiveRuns
  verdicts: Verdicts
  holding: Holding
  breathe: Breathe
  dependencies: Dependencies
  prefetch: Prefetch
  tasks: () => ReadonlyMap<string, Task>
  slots: () => number
  /** Runs that have ended and are not settled yet, and those that run. */
  pending: () => number
  /** So long before its instant a run may be claimed, to begin then; absent: not before. */
  leadMs?: number
  /** False once nothing is to be claimed any more. */
  isOpen: () => boolean
  begin: (run: Claimed) => void
  giveBack: (run: Claimed, reason: { code: string, message: string }, due_at?: number) => void
}

/** Looks at what is due, and claims what may start. */
export class Claimer {
  readonly #options: ClaimerOptions
  /** When a run of each priority last went ahead of more urgent ones. */
  readonly #turns: Turns = {}
  /** Runs that are claimed and have not begun, and the ones of them that are to stop. */
  readonly #claimed = new Map<string, boolean>()
  /** Claims that are not answered yet, and runs that were to stop meanwhile: they may be among those that are
   *  claimed. */
  #unanswered = 0
  /** What pools had left when the claim that is under way was asked for: all of it may be taken. */
  #promised: Readonly<Record<string, number>> = {}
  readonly #stopped = new Set<string>()
  #seen: { wall: number, monotonic: number } | null = null
  /** When the engine last answered a look, epoch ms: the sign that work can be taken at all. */
  lastLookAt = 0

  constructor (options: ClaimerOptions) {
    this.#options = options
  }

  /** What has waited since before this start comes back bit by bit. */
  start (): void {
    this.#options.verdicts.piledUpBefore = this.#options.clock.now()
  }

  /** How much of a pool a claim that is under way may take. */
  promised (pool: string): number {
    return Math.max(0, this.#promised[pool] ?? 0)
  }

  /** True for a run that is claimed and has not begun. */
  has (id: string): boolean {
    return this.#claimed.has(id)
  }

  /** Keeps a claimed run from beginning; false when it is not one. */
  abort (id: string): boolean {
    if (this.#unanswered > 0) this.#stopped.add(id)
    if (!this.#claimed.has(id)) return false
    this.#claimed.set(id, true)
    return true
  }

  /** One look; `true` when there may be more to claim, else when to look again by the clock alone (epoch ms), or
   *  null. */
  async look (): Promise<true | number | null> {
    const { engine, clock, owner, slots, pending, dependencies, verdicts, holding, prefetch, breathe, tasks } =
      this.#options
    const limit = UNSETTLED * slots() - pending()
    if (limit <= 0) return null
    const due = await engine.due({ now: clock.now(), owner })
    verdicts.learn(due)
    await dependencies.look(tasksOf(due), tasks())
    this.lastLookAt = clock.now()
    this.#wake()
    breathe.advance()
    const found = this.#offers(due, Math.max(0, limit - slots()))
    verdicts.reserved = found.reserved
    if (await this.#claim(found, { now: clock.now(), limit }) > 0) return true
    const again = await holding.left(found.judged)
    await this.#claimEarly(due.next_at)
    return earliest([again, due.next_at, prefetch.at])
  }

  /** Notices that the machine has slept: what it missed comes back bit by bit. */
  #wake (): void {
    const { clock, verdicts } = this.#options
    const now = { wall: clock.now(), monotonic: clock.monotonic() }
    const slept = this.#seen === null ? 0 : (now.wall - this.#seen.wall) - (now.monotonic - this.#seen.monotonic)
    this.#seen = now
    if (slept >= SLEPT) verdicts.piledUpBefore = now.wall
    // A clock that was set back: what was due before then is what was due before now.
    if (verdicts.piledUpBefore !== null) verdicts.piledUpBefore = Math.min(verdicts.piledUpBefore, now.wall)
  }

  #offers (due: Due, spare: number): Offers {
    const { verdicts, prefetch, slots, holding } = this.#options
    const ahead = (task: string) => Math.min(prefetch.of(task, slots()), spare)
    const ask = { ...verdicts.facts(), due, turns: this.#turns, prefetch: ahead }
    const found = offersFor(ask)
    const began = verdicts.piledUpBefore ?? -Infinity
    const isBack = found.judged.some(one => {
      const since = one.judgement.decision === 'start' ? holding.log.heldSince(one) : null
      return since !== null && since >= began && ask.now - since >= LONG_HOLD
    })
    if (!isBack) return found
    verdicts.piledUpBefore = ask.now
    return offersFor({ ...ask, piledUpBefore: ask.now })
  }

  /** Claims what is offered and begins it; returns how many runs were claimed. */
  async #claim (
    { offers, pools }: Pick<Offers, 'offers' | 'pools'>,
    { now, limit }: { now: number, limit: number }
  ): Promise<number> {
    const { engine, owner, isOpen, verdicts } = this.#options
    if (offers.length === 0 || !isOpen()) return 0
    const { under } = verdicts
    const ask: ClaimAsk = {
      owner,
      now,
      lease_until: now + LEASE,
      offers,
      pools,
      limit,
      rates: ratesOf(offers, under.config)
    }
    this.#unanswered++
    this.#promised = pools
    const claimed = await engine.claim(ask).finally(() => {
      this.#unanswered--
      this.#promised = {}
    })
    for (const { id, offer } of claimed) {
      this.#claimed.set(id, this.#stopped.has(id))
      this.#took(offers[offer]!, now)
    }
    if (this.#unanswered === 0) this.#stopped.clear()
    const waiting = claimed.map(run => this.#take(run, { offer: offers[run.offer]!, under })).filter(one =>
      one !== null
    )
    if (waiting.length > 0) await Promise.all(waiting)
    return claimed.length
  }

  /** Remembers whose turn it was. */
  #took ({ needs }: Offer, now: number): void {
    const priority = needs.map(name => turnOf(name)).find(turn => turn !== null)
    if (priority) this.#turns[priority] = now
  }

  /** Claims what will be due within the lead, as things will stand then: at its instant it has only to begin. */
  async #claimEarly (at: number | null): Promise<void> {
    const { engine, clock, owner, leadMs = 0, prefetch, verdicts, pending, slots } = this.#options
    const limit = UNSETTLED * slots() - pending()
    if (at === null || at > clock.now() + leadMs || prefetch.size > 0 || limit <= 0) return
    const due = await engine.due({ now: at, owner })
    await this.#claim(earlyOffers({ ...verdicts.facts(), now: at, due }), { now: at, limit })
  }

  /** Begins a claimed run, or keeps it for when there is a slot for it. Whatever happens, it is begun, kept or given
   *  back: null when it is, else a promise that resolves then. */
  #take (run: Claimed, { offer, under }: { offer: Offer, under: Under }): Promise<void> | null {
    const { prefetch, tasks, clock } = this.#options
    const task = tasks().get(run.task)
    if (task !== undefined && task.depends_on.length > 0) return this.#lend(run, { task, under })
    try {
      if (task === undefined) this.#options.giveBack(run, MISSING)
      else if (offer.rank === PREFETCH_RANK || run.due_at > clock.now()) prefetch.put(run, task)
      else this.#start(run, under)
    } finally {
      this.#claimed.delete(run.id)
    }
    return null
  }

  /** Begins a run with the results of the tasks that its own depends on. */
  async #lend (run: Claimed, { task, under }: { task: Task, under: Under }): Promise<void> {
    const { dependencies, notice, giveBack, clock } = this.#options
    try {
      const lent = await dependencies.lend(run, task)
      if (lent === null) giveBack(run, CLOSED)
      else this.#start(lent, under)
    } catch (error) {
      notice({ kind: 'engine_failed', call: 'get', error: failureOf(error) })
      giveBack(run, UNREADABLE, clock.now() + LEND_AGAIN)
    } finally {
      this.#claimed.delete(run.id)
    }
  }

  #start (run: Claimed, under: Under): void {
    const { begin, giveBack } = this.#options
    if (this.#claimed.get(run.id) === true) giveBack(run, STOPPED)
    else if (this.#stillStarts(run, under)) begin(run)
    else giveBack(run, CLOSED)
  }

  /** Whether the verdict on a run that was just claimed is still to start: a pause may come while a claim is under
   *  way. */
  #stillStarts (run: Run, under: Under): boolean {
    const { verdicts, isOpen } = this.#options
    if (!isOpen()) return false
    return isSame(verdicts.under, under) || verdicts.judge(run).decision === 'start'
  }
}

const tasksOf = (
  { cohorts, singles }: Due
): string[] => [...new Set([...cohorts.map(({ task }) => task), ...singles.map(({ task }) => task)])]

/** The rates of the queues that the offers are of. */
function ratesOf (offers: readonly Offer[], { queues }: Pick<Config, 'queues'>): NonNullable<ClaimAsk['rates']> {
  const rates: NonNullable<ClaimAsk['rates']> = {}
  for (const { needs } of offers) {
    for (const name of needs) {
      if (!name.startsWith('rate/')) continue
      const queue = name.slice('rate/'.length)
      const { limit, per } = queues[queue]!.rate!
      rates[queue] = { count: limit, per_ms: milliseconds(per) }
    }
  }
  return rates
}
