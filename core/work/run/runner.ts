import { ActiveRuns } from '../execute/active-runs.ts'
import { Breathe } from './breathe.ts'
import { Claimer } from './claimer.ts'
import { Claims } from './claims.ts'
import { Dependencies } from '../conditions/dependencies.ts'
import { Executor } from '../execute/executor.ts'
import { Holding } from './holding.ts'
import { LeaseRenewal } from './lease-renewal.ts'
import { Lifecycle } from '../../model/base/service.ts'
import { Prefetch } from './prefetch.ts'
import { CLOSED, MISSING, NO_SLOT } from './reasons.ts'
import { SECOND } from '../../model/base/duration.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { Verdicts } from './verdicts.ts'
import { asksForSignal } from '../../model/machine/signal.ts'
import { classify } from '../../model/conditions/classify.ts'
import { isCritical } from '../../model/conditions/urgency.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Changed } from '../conditions/conditions.ts'
import type { Commit, InProcess } from '../../engine/in-process.ts'
import type { ExecutorOptions } from '../execute/executor.ts'
import type { Reason, Run } from '../../model/run/run.ts'
import type { Service } from '../../model/base/service.ts'
import type { Task } from '../../model/task/task.ts'
import type { VerdictsOptions } from './verdicts.ts'

export interface RunnerOptions extends Omit<ExecutorOptions, 'active' | 'breathe'>, Pick<VerdictsOptions, 'steps'> {
  owner: string
  tasks: () => ReadonlyMap<string, Task>
  slots: () => number
  /** How long before its due instant a run may be claimed, ms; default 0. */
  leadMs?: number
  /** How long running runs may continue after `stop` was called, ms. */
  stopGraceMs: () => number
}

/** Claims and executes runs: the verdicts decide which runs may start, the claimer claims them, the executor executes
 *  them. */
export class Runner implements Service {
  readonly #options: RunnerOptions & { engine: Partial<InProcess> }
  #unsubscribe: () => void = () => undefined
  readonly active = new ActiveRuns()
  readonly verdicts: Verdicts
  readonly #claimer: Claimer
  readonly #claims: Claims
  readonly #executor: Executor
  readonly #holding: Holding
  readonly #lease: LeaseRenewal
  readonly #prefetch: Prefetch
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor (options: RunnerOptions) {
    this.#options = options
    const { clock, conditions } = options
    const { active } = this
    const abort = (id: string, reason: StopReason) => this.abort(id, reason)
    const dependencies = new Dependencies(options)
    const verdicts = this.verdicts = new Verdicts({ ...options, active, dependencies })
    const prefetch = this.#prefetch = new Prefetch({ clock, giveBack: run => this.#giveBack(run, NO_SLOT) })
    const holding = this.#holding = new Holding({ ...options, active, verdicts, abort })
    const breathe = new Breathe({
      ...options,
      active,
      changed: () => this.wake(),
      closed: one => holding.closed(one),
      noSlot: ({ run }) => verdicts.slotFor(run)
    })
    const take: Breathe['take'] = (one, breathing) => breathe.take(one, breathing)
    const executor = this.#executor = new Executor({ ...options, active, breathe: take })
    this.#lease = new LeaseRenewal({ ...options, active, executor, abort, isHere: id => this.#isHere(id) })
    const shared = { ...options, verdicts, dependencies, prefetch }
    const claims = this.#claims = new Claims({
      ...shared,
      isOpen: () => this.#claimer.isOpen,
      begin: run => this.#begin(run),
      giveBack: (run, reason, due) => this.#giveBack(run, reason, due)
    })
    this.#claimer = new Claimer({
      ...shared,
      holding,
      breathe,
      claims,
      pending: () => executor.pending,
      advance: () => void this.#advance(),
      failed: () => this.#lease.force()
    })
    conditions.onChange(changed => this.#conditionsChanged(changed))
  }

  /** When the engine last answered a look for work, epoch ms; 0 before the first answer. */
  get lastLookAt (): number {
    return this.#claimer.lastLookAt
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  /** Stops claiming and waits for running runs up to the grace, then asks the remaining ones to stop. Their attempts
   *  are not charged. */
  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    await this.#lease.begin()
    this.#unsubscribe = this.#options.engine.onCommit?.(change => this.#storeChanged(change)) ?? (() => undefined)
    this.#executor.open()
    this.#claimer.open()
  }

  async #stop (): Promise<void> {
    const { notice, stopGraceMs, abortGraceMs, engine, owner } = this.#options
    this.quiesce()
    await this.settled()
    this.#unsubscribe()
    if (this.active.size > 0) notice({ kind: 'stopping', running: this.active.size })
    await this.#executor.drained(stopGraceMs())
    for (const { run } of this.active.all()) this.abort(run.id, new StopReason('stopping', 'offpeak is stopping'))
    await this.#executor.drained(abortGraceMs + SECOND)
    this.#executor.close()
    await engine.leave({ owner }).catch(error => this.#failed('leave', error))
  }

  #conditionsChanged (changed: Changed): void {
    if (!this.#concerns(changed)) return
    this.#prefetch.clear()
    this.#holding.abortLost()
    this.wake()
  }

  /** True when verdicts depend on a change. A change of signals matters only when a task has a constraint on one of
   *  them. */
  #concerns ({ reading, pauses, trials, signals }: Changed): boolean {
    if (reading || pauses || trials) return true
    return Array.from(this.#options.tasks().values()).some(({ constraints }) => asksForSignal(constraints, signals))
  }

  /** Called when a process has committed to the store: runs may have been added, claimed by another owner, or
   *  cancelled. */
  #storeChanged ({ kinds, events }: Commit): void {
    if (kinds.has('work') || events.some(one => one.kind === 'claimed' && one.run.owner !== this.#options.owner)) {
      this.wake()
    }
    if (kinds.has('cancel') && this.active.size > 0) void this.renew().catch(error => this.#failed('beat', error))
  }

  /** Looks for work soon; calls during a look share the next one. */
  wake (): void {
    this.#claimer.wake()
  }

  /** Resolves when no look is under way, and the hold log of the last one is written. */
  async settled (): Promise<void> {
    await this.#claimer.settled()
    await this.#holding.log.written()
  }

  /** Asks a running run to stop, or keeps a claimed one from beginning. Returns false when the run is not here, or was
   *  asked to stop before. */
  abort (id: string, reason: StopReason): boolean {
    if (this.#prefetch.drop(id) || this.#claims.abort(id)) return true
    const isAsked = this.active.abort(id, reason)
    if (isAsked) this.#options.notice({ kind: 'signalled', id, task: this.active.get(id)!.task.id, code: reason.code })
    return isAsked
  }

  /** Stores the progress and log lines of running runs. */
  async flush (): Promise<void> {
    const { engine, clock, notice } = this.#options
    await this.active.flush({ engine, now: clock.now(), notice })
  }

  /** Retries the settlements that the engine has refused. */
  retrySettle (): void {
    this.#executor.settlements.retry()
  }

  /** Renews the lease, and asks runs that were lost or cancelled elsewhere to stop. */
  async renew (): Promise<void> {
    await this.#lease.renew()
  }

  #isHere (id: string): boolean {
    return this.active.get(id) !== undefined || this.#executor.has(id) || this.#prefetch.has(id) ||
      this.#claims.has(id)
  }

  /** Stops claiming; running runs continue. */
  quiesce (): void {
    this.#claimer.close()
    this.#prefetch.clear()
  }

  #failed (call: string, error: unknown): void {
    this.#options.notice({ kind: 'engine_failed', call, error: failureOf(error) })
  }

  /** Begins the prefetched runs that may start. Returns true when every slot is taken and some still wait. */
  #advance (): boolean {
    const { tasks, clock } = this.#options
    if (!this.#claimer.isOpen) this.#prefetch.clear()
    const now = clock.now()
    const begins = ({ id, concurrency }: Task, { due_at: at }: Run) => {
      const own = (this.active.byTask.get(id) ?? 0) + this.#claims.promised(`task/${id}`)
      return at <= now && this.#free > 0 && own < concurrency
    }
    while (this.#prefetch.size > 0) {
      const next = this.#prefetch.take(tasks(), begins)
      if (next === null) break
      if (this.verdicts.isOpen(next.run)) this.#begin(next.run)
      else this.#giveBack(next.run, CLOSED)
    }
    return this.#prefetch.size > 0 && this.#free <= 0
  }

  /** The number of slots that are neither taken nor promised to the unanswered claim. Running critical runs first use
   *  the slots reserved for them. */
  get #free (): number {
    const { slots, conditions } = this.#options
    const { config } = conditions.current
    const taken = this.active.taken
    if (taken < slots()) return slots() - taken - this.#claims.promised('slots')
    const critical =
      this.active.working.filter(({ run, task }) => isCritical({ run, task, class: classify(task, config).class }))
        .length
    return slots() - (taken - Math.min(critical, config.scheduling.max_concurrent_tasks.critical)) -
      this.#claims.promised('slots')
  }

  #giveBack (run: Claimed, reason: Reason, due_at?: number): void {
    void this.#executor.settlements.giveBack(run, reason, due_at).finally(() => this.wake())
  }

  #begin (run: Claimed): void {
    const task = this.#options.tasks().get(run.task)
    if (task === undefined) return this.#giveBack(run, MISSING)
    this.#executor.begin(run, task, ms => {
      if (ms !== undefined) this.#prefetch.learn(task, ms)
      if (!this.#advance()) this.wake()
    })
  }
}
