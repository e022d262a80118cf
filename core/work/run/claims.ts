import { LEASE } from './lease-length.ts'
import { milliseconds } from '../../model/base/duration.ts'
import { failureOf } from '../../model/run/failure.ts'
import { hasSameInputs } from './verdicts.ts'
import { PREFETCH_RANK } from '../../model/conditions/urgency.ts'
import { turnOf } from '../../model/admit/offers.ts'
import { CLOSED, MISSING, STOPPED, UNREADABLE } from './reasons.ts'
import type { ClaimAsk, Claimed, Engine } from '../../engine/engine.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Dependencies } from '../conditions/dependencies.ts'
import type { Listener } from '../../model/notice.ts'
import type { Offer } from '../../model/run/cohort.ts'
import type { Offers } from '../../model/admit/offers.ts'
import type { Prefetch } from './prefetch.ts'
import type { Reason, Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'
import type { Turns } from '../../model/conditions/relaxation.ts'
import type { VerdictInputs, Verdicts } from './verdicts.ts'

/** The wait until a claimed run whose prerequisites could not be read is due again, ms. */
const UNREADABLE_WAIT = 5000

interface ClaimsOptions {
  owner: string
  engine: Engine
  clock: Clock
  notice: Listener
  verdicts: Verdicts
  dependencies: Dependencies
  prefetch: Prefetch
  tasks: () => ReadonlyMap<string, Task>
  /** False after claiming has stopped. */
  isOpen: () => boolean
  begin: (run: Claimed) => void
  giveBack: (run: Claimed, reason: Reason, due_at?: number) => void
}

/** Claims runs, and keeps track of claimed runs that have not begun. */
export class Claims {
  readonly #options: ClaimsOptions
  /** When a run of each priority last started before more urgent ones, epoch ms. */
  readonly turns: Turns = {}
  /** The claimed runs by id; true when the run was asked to stop. */
  readonly #claimed = new Map<string, boolean>()
  #unanswered = 0
  /** Runs that were asked to stop while a claim is unanswered. The claim may return them. */
  readonly #stopped = new Set<string>()
  /** What was left of each pool when the unanswered claim was made. The claim may take all of it. */
  #promised: Readonly<Record<string, number>> = {}

  constructor (options: ClaimsOptions) {
    this.#options = options
  }

  /** How much of a pool the unanswered claim may take. */
  promised (pool: string): number {
    return Math.max(0, this.#promised[pool] ?? 0)
  }

  /** True when a run is claimed and has not begun. */
  has (id: string): boolean {
    return this.#claimed.has(id)
  }

  /** Keeps a claimed run from beginning; false when it is not claimed. */
  abort (id: string): boolean {
    if (this.#unanswered > 0) this.#stopped.add(id)
    if (!this.#claimed.has(id)) return false
    this.#claimed.set(id, true)
    return true
  }

  /** Claims the offered runs and begins them. Returns the number of claimed runs. */
  async claim (
    { offers, pools }: Pick<Offers, 'offers' | 'pools'>,
    { now, limit }: { now: number, limit: number }
  ): Promise<number> {
    const { owner, isOpen, verdicts } = this.#options
    if (offers.length === 0 || !isOpen()) return 0
    const { inputs } = verdicts
    const rates = ratesOf(offers, inputs.config)
    const claimed = await this.#ask({ owner, now, lease_until: now + LEASE, offers, pools, limit, rates })
    for (const { id, offer } of claimed) {
      this.#claimed.set(id, this.#stopped.has(id))
      this.#noteTurn(offers[offer]!, now)
    }
    if (this.#unanswered === 0) this.#stopped.clear()
    const pending = claimed.map(run => this.#take(run, { offer: offers[run.offer]!, inputs })).filter(one =>
      one !== null
    )
    if (pending.length > 0) await Promise.all(pending)
    return claimed.length
  }

  async #ask (ask: ClaimAsk) {
    this.#unanswered++
    this.#promised = ask.pools
    try {
      return await this.#options.engine.claim(ask)
    } finally {
      this.#unanswered--
      this.#promised = {}
    }
  }

  #noteTurn ({ needs }: Offer, now: number): void {
    const priority = needs.map(name => turnOf(name)).find(turn => turn !== null)
    if (priority) this.turns[priority] = now
  }

  /** Begins a claimed run, prefetches it or gives it back. Returns null when it has done so synchronously, else a
   *  promise. */
  #take (run: Claimed, { offer, inputs }: { offer: Offer, inputs: VerdictInputs }): Promise<void> | null {
    const { prefetch, tasks, clock } = this.#options
    const task = tasks().get(run.task)
    if (task !== undefined && task.depends_on.length > 0) return this.#startWithResults(run, { task, inputs })
    try {
      if (task === undefined) this.#options.giveBack(run, MISSING)
      else if (offer.rank === PREFETCH_RANK || run.due_at > clock.now()) prefetch.put(run, task)
      else this.#start(run, inputs)
    } finally {
      this.#claimed.delete(run.id)
    }
    return null
  }

  /** Begins a run with the results of the tasks that its own task depends on. */
  async #startWithResults (run: Claimed, { task, inputs }: { task: Task, inputs: VerdictInputs }): Promise<void> {
    const { dependencies, notice, giveBack, clock } = this.#options
    try {
      const ready = await dependencies.withResults(run, task)
      if (ready === null) giveBack(run, CLOSED)
      else this.#start(ready, inputs)
    } catch (error) {
      notice({ kind: 'engine_failed', call: 'get', error: failureOf(error) })
      giveBack(run, UNREADABLE, clock.now() + UNREADABLE_WAIT)
    } finally {
      this.#claimed.delete(run.id)
    }
  }

  #start (run: Claimed, inputs: VerdictInputs): void {
    const { begin, giveBack } = this.#options
    if (this.#claimed.get(run.id) === true) giveBack(run, STOPPED)
    else if (this.#mayStillStart(run, inputs)) begin(run)
    else giveBack(run, CLOSED)
  }

  /** True when the verdict on a claimed run is still `start`: a pause may have been set during the claim. */
  #mayStillStart (run: Run, inputs: VerdictInputs): boolean {
    const { verdicts, isOpen } = this.#options
    if (!isOpen()) return false
    return hasSameInputs(verdicts.inputs, inputs) || verdicts.judge(run).decision === 'start'
  }
}

/** The rate limits of the queues that the offers need. */
function ratesOf (offers: readonly Offer[], { queues }: Pick<Config, 'queues'>): NonNullable<ClaimAsk['rates']> {
  const names = offers.flatMap(({ needs }) => needs).filter(name => name.startsWith('rate/'))
  return Object.fromEntries(names.map(name => {
    const queue = name.slice('rate/'.length)
    const { limit, per } = queues[queue]!.rate!
    return [queue, { count: limit, per_ms: milliseconds(per) }]
  }))
}
