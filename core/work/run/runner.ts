import { ActiveRuns } from './active.ts'
import { Alarm } from '../plan/alarm.ts'
import { Breathe } from './breathe.ts'
import { Claimer } from './claimer.ts'
import { Dependencies } from '../conditions/dependencies.ts'
import { Executor } from './executor.ts'
import { Holding } from './holding.ts'
import { LEASE } from './lease.ts'
import { Lifecycle } from '../../model/base/service.ts'
import { Prefetch } from './prefetch.ts'
import { CLOSED, LOST, NO_SLOT, STRANGE } from './reasons.ts'
import { MINUTE, SECOND } from '../../model/base/duration.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { Verdicts } from './verdicts.ts'
import { asksForSignal } from '../../model/machine/signal.ts'
import { classify } from '../../model/gates/classify.ts'
import { isCritical } from '../../model/gates/urgency.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Bucket } from '../../model/config/queue.ts'
import type { Claimed } from '../../engine/engine.ts'
import type { Changed } from '../conditions/conditions.ts'
import type { Change, Nearby } from '../../engine/in-process.ts'
import type { ExecutorOptions } from './executor.ts'
import type { Run } from '../../model/run/run.ts'
import type { Service } from '../../model/base/service.ts'
import type { Occupancy, Verdict, Waiting } from '../../model/gates/gate.ts'
import type { Task } from '../../model/task/task.ts'
import type { VerdictsOptions } from './verdicts.ts'

export interface RunnerOptions extends Omit<ExecutorOptions, 'active' | 'breathe'>, Pick<VerdictsOptions, 'steps'> {
  owner: string
  tasks: () => ReadonlyMap<string, Task>
  slots: () => number
  /** So long before its instant a run may be claimed, to begin then; absent: not before. */
  leadMs?: number
  /** How long running runs may go on after a stop was asked for. */
  stopGraceMs: () => number
}

/** A runner that has nothing asks what is stored as its own so often. */
const BEAT_AT_REST = 10 * MINUTE

/** How long to wait after a look that failed: a second at first, twice as long each time, and a minute at most. */
const AGAIN_MS = SECOND
const AGAIN_MOST_MS = 60 * SECOND

/** Starts, stops and ends runs: the claimer finds them, the executor executes them. */
export class Runner implements Service {
  readonly #options: RunnerOptions & { engine: Partial<Nearby> }
  #off: () => void = () => undefined
  #beatAt = -Infinity
  readonly #alarm: Alarm
  readonly #active = new ActiveRuns()
  readonly #breathe: Breathe
  readonly #claimer: Claimer
  readonly #executor: Executor
  readonly #holding: Holding
  readonly #prefetch: Prefetch
  readonly #verdicts: Verdicts
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })
  /** False before the start and once nothing more is to be claimed. */
  #isOpen = false
  #looking: Promise<void> | null = null
  #again = false
  #failures = 0
  /** Runs that are stored as ours and that nobody here has, as the last beat found them. */
  #strange = new Set<string>()

  constructor (options: RunnerOptions) {
    this.#options = options
    const { clock, conditions } = options
    const active = this.#active
    const dependencies = new Dependencies(options)
    const verdicts = this.#verdicts = new Verdicts({ ...options, active, dependencies })
    this.#alarm = new Alarm({ clock, ring: () => this.#ring(), exact: true })
    this.#prefetch = new Prefetch({ clock, giveBack: run => this.#giveBack(run, NO_SLOT) })
    this.#holding = new Holding({ ...options, active, verdicts, abort: (id, reason) => this.abort(id, reason) })
    this.#breathe = new Breathe({
      ...options,
      active,
      changed: () => this.wake(),
      closed: one => this.#holding.closed(one),
      noSlot: ({ run }) => verdicts.slotFor(run)
    })
    this.#executor = new Executor({
      ...options,
      active,
      breathe: (one, breathing) => this.#breathe.take(one, breathing)
    })
    this.#claimer = new Claimer({
      ...options,
      active,
      verdicts,
      dependencies,
      holding: this.#holding,
      breathe: this.#breathe,
      prefetch: this.#prefetch,
      pending: () => this.#executor.pending,
      isOpen: () => this.#isOpen,
      begin: run => this.#begin(run),
      giveBack: (run, reason, due) => this.#giveBack(run, reason, due)
    })
    conditions.onChange(changed => {
      if (!this.#concerns(changed)) return
      this.#prefetch.clear()
      this.#holding.lost()
      this.wake()
    })
  }

  get active (): ActiveRuns {
    return this.#active
  }

  /** When the engine last answered a look, epoch ms: the sign that work can be taken at all. */
  get lastPassAt (): number {
    return this.#claimer.lastLookAt
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  /** Claims nothing more, waits the grace, then asks what is left to stop and gives their attempts back. */
  stop (): Promise<void> {
    return this.#life.stop()
  }

  async #start (): Promise<void> {
    const { engine, owner, clock } = this.#options
    await engine.beat({ owner, now: clock.now(), until: clock.now() + LEASE })
    this.#off = engine.onChange?.(change => this.#changed(change)) ?? (() => undefined)
    this.#isOpen = true
    this.#claimer.start()
    this.#executor.open()
    this.wake()
  }

  async #stop (): Promise<void> {
    this.quiesce()
    await this.settled()
    this.#off()
    if (this.#active.size > 0) this.#options.notice({ kind: 'stopping', running: this.#active.size })
    await this.#executor.drained(this.#options.stopGraceMs())
    for (const { run } of this.#active.all()) this.abort(run.id, new StopReason('stopping', 'offpeak is stopping'))
    await this.#executor.drained(this.#options.abortGraceMs + SECOND)
    this.#executor.close()
    await this.#options.engine.leave({ owner: this.#options.owner }).catch(error => this.#failed('leave', error))
  }

  /** Whether a change is of anything that verdicts go by: of signals only those count that a task asks for. */
  #concerns ({ reading, pauses, trials, signals }: Changed): boolean {
    if (reading || pauses || trials) return true
    return Array.from(this.#options.tasks().values()).some(({ constraints }) => asksForSignal(constraints, signals))
  }

  /** What others have committed to the store: something may start, another owner has taken what was to be had, or a
   *  running run is to stop. */
  #changed ({ kinds, said }: Change): void {
    if (kinds.has('work') || said.some(one => one.kind === 'claimed' && one.run.owner !== this.#options.owner)) {
      this.wake()
    }
    if (kinds.has('cancel') && this.#active.size > 0) void this.renew().catch(error => this.#failed('beat', error))
  }

  /** Looks for work soon; calls that come together are one look. */
  wake (): void {
    if (!this.#isOpen) return
    this.#again = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
  }

  /** Resolves when the look that is under way is over, and what it noted is written. */
  async settled (): Promise<void> {
    while (this.#looking) await this.#looking
    await this.#holding.log.written()
  }

  /** The verdict on a run as things stand: what the next look would decide, or one at another instant if nothing else
   *  changed. */
  verdict (run: Waiting, at = this.#options.clock.now()): Verdict {
    return this.#verdicts.of(run, at)
  }

  /** The verdicts on many runs. */
  verdicts (runs: readonly Waiting[]): Verdict[] {
    return this.#verdicts.ofAll(runs)
  }

  /** Starts that queues with a rate have left. */
  get buckets (): ReadonlyMap<string, Bucket> {
    return this.#verdicts.buckets
  }

  /** What runs in this process right now, and what that leaves. */
  get occupancy (): Occupancy {
    return this.#verdicts.occupancy
  }

  /** Asks a running run to stop, and keeps a claimed one from beginning; false when it is neither here. */
  abort (id: string, reason: StopReason): boolean {
    if (this.#prefetch.drop(id) || this.#claimer.abort(id)) return true
    const asked = this.#active.abort(id, reason)
    if (asked) this.#options.notice({ kind: 'signalled', id, task: this.#active.get(id)!.task.id, code: reason.code })
    return asked
  }

  /** Stores progress and log lines. */
  async flush (): Promise<void> {
    const { engine, clock, notice } = this.#options
    await this.#active.flush({ engine, now: clock.now(), notice })
  }

  /** Tries again to settle what the engine could not take. */
  retrySettle (): void {
    this.#executor.retrySettle()
  }

  /** Renews the lease; a run that was lost or cancelled elsewhere is asked to stop, and one that is stored as ours and
   *  that nobody has is given back. */
  async renew (): Promise<void> {
    const { engine, clock, owner } = this.#options
    // Who has nothing needs no lease, and writes nothing: what it may have without knowing of it is looked for now and
    // then.
    const holds = this.#active.size > 0 || this.#executor.pending > 0 || this.#strange.size > 0
    if (!holds && clock.now() - this.#beatAt < BEAT_AT_REST) return
    this.#beatAt = clock.now()
    const before = this.#active.all().map(({ lease }) => lease)
    const { running, cancel } = await engine.beat({ owner, now: clock.now(), until: clock.now() + LEASE })
    const stored = new Map(running.map(({ id, turn }) => [id, turn]))
    for (const { id, turn } of before) {
      if (stored.get(id) !== turn && this.#active.get(id)?.lease.turn === turn) this.abort(id, LOST)
    }
    for (const { id, reason } of cancel) this.abort(id, new StopReason('cancelled', reason.message, reason.by))
    const strange = running.filter(({ id }) => !this.#isHere(id))
    for (const lease of strange.filter(({ id }) => this.#strange.has(id))) {
      void this.#executor.giveBackLease(lease, STRANGE)
    }
    this.#strange = new Set(strange.map(({ id }) => id))
  }

  #isHere (id: string): boolean {
    return this.#active.get(id) !== undefined || this.#executor.has(id) || this.#prefetch.has(id) ||
      this.#claimer.has(id)
  }

  /** Claims nothing more; what is running goes on. */
  quiesce (): void {
    this.#isOpen = false
    this.#alarm.clear()
    this.#prefetch.clear()
  }

  async #look (): Promise<void> {
    try {
      while (this.#again && this.#isOpen) {
        this.#again = false
        const found = await this.#claimer.look()
        if (found === true) {
          this.#advance()
          this.#again = true
        } else if (this.#isOpen) this.#alarm.set(found)
      }
      this.#failures = 0
    } catch (error) {
      this.#failed('claim', error)
      // It may have taken runs all the same: the next beat looks for them.
      this.#beatAt = -Infinity
      const wait = Math.min(AGAIN_MOST_MS, AGAIN_MS * 2 ** this.#failures++)
      if (this.#isOpen) this.#alarm.set(this.#options.clock.now() + wait)
    }
  }

  #failed (call: string, error: unknown): void {
    this.#options.notice({ kind: 'engine_failed', call, error: failureOf(error) })
  }

  #ring (): void {
    this.#advance()
    this.wake()
  }

  /** Begins what was claimed ahead, as far as its verdict is to start; true when every slot is taken and some still
   *  wait. */
  #advance (): boolean {
    const { tasks, clock } = this.#options
    if (!this.#isOpen) this.#prefetch.clear()
    const now = clock.now()
    const begins = ({ id, concurrency }: Task, { due_at: at }: Run) => {
      const own = (this.#active.byTask.get(id) ?? 0) + this.#claimer.promised(`task/${id}`)
      return at <= now && this.#free > 0 && own < concurrency
    }
    while (this.#prefetch.size > 0) {
      const next = this.#prefetch.take(tasks(), begins)
      if (next === null) break
      if (this.#verdicts.isOpen(next.run)) this.#begin(next.run)
      else this.#giveBack(next.run, CLOSED)
    }
    return this.#prefetch.size > 0 && this.#free <= 0
  }

  /** Slots that are neither taken nor promised to a claim that is under way; critical runs take their own first. */
  get #free (): number {
    const { slots, conditions } = this.#options
    const { config } = conditions.current
    const taken = this.#active.taken
    if (taken < slots()) return slots() - taken - this.#claimer.promised('slots')
    const critical =
      this.#active.working.filter(({ run, task }) => isCritical({ run, task, class: classify(task, config).class }))
        .length
    return slots() - (taken - Math.min(critical, config.scheduling.max_concurrent_tasks.critical)) -
      this.#claimer.promised('slots')
  }

  #giveBack (run: Claimed, reason: { code: string, message: string }, due_at?: number): void {
    void this.#executor.giveBack(run, reason, due_at).finally(() => this.wake())
  }

  #begin (run: Claimed): void {
    const task = this.#options.tasks().get(run.task)
    if (task === undefined) {
      return this.#giveBack(run, { code: 'task_missing', message: 'the task vanished while the run was being claimed' })
    }
    this.#executor.begin(run, task, ms => {
      if (ms !== undefined) this.#prefetch.learn(task, ms)
      if (!this.#advance()) this.wake()
    })
  }
}
