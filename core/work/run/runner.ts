import { Alarm } from '../plan/alarm.ts'
import { ActiveRuns } from './active.ts'
import { Ahead } from './prefetch.ts'
import { Breath } from './breathe.ts'
import { Buckets } from '../conditions/rates.ts'
import { Conscience } from './holding.ts'
import { Executor } from './executor.ts'
import { Flows } from '../conditions/dependencies.ts'
import { SECOND } from '../../model/base/duration.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { earliest } from '../../model/base/clock.ts'
import { failureOf } from '../../model/run/failure.ts'
import { earlyGrant, grantsFor, standingOf, verdictOn, verdictsOn } from '../../model/admit/room.ts'
import type { Claimed, DueTask, News } from '../../engine/engine.ts'
import type { ExecutorOptions } from './executor.ts'
import type { Priority, Run } from '../../model/run/run.ts'
import type { Service } from '../../model/base/service.ts'
import type { Standpoint } from '../conditions/situation.ts'
import type { Standing, Verdict, Waiting } from '../../model/gates/gate.ts'
import type { Task } from '../../model/task/task.ts'

/** How long a claim holds without being renewed. */
export const LEASE = 30 * SECOND

/** So many runs for each slot may be on their way to the disk: a disk that stops taking them stops the runner. */
const UNSETTLED = 100

export interface RunnerOptions extends Omit<ExecutorOptions, 'active' | 'breathe'> {
  owner: string
  tasks: () => ReadonlyMap<string, Task>
  slots: () => number
  /** So long before its instant a run may be claimed, to begin then; absent: not before. */
  leadMs?: number
  /** How long running runs may go on after a stop was asked for. */
  stopGraceMs: () => number
}

/** Claims what may start and sees to what may not; the executor does the rest. */
export class Runner implements Service {
  readonly #options: RunnerOptions
  readonly #alarm: Alarm
  readonly #active = new ActiveRuns()
  readonly #ahead: Ahead
  /** How things stood when runs were last claimed ahead. */
  #under: Pick<Standpoint, 'reading' | 'pauses' | 'config'> | null = null
  readonly #buckets: Buckets
  readonly #flows: Flows
  readonly #executor: Executor
  readonly #conscience: Conscience
  readonly #turns: { since: number, started: Partial<Record<Priority, number>> }
  #state: 'stopped' | 'started' | 'stopping' = 'stopped'
  #pass: Promise<void> | null = null
  #again = false
  /** The first runs that the last look has left, by task; null: one is due or under way. */
  #left: ReadonlyMap<string, string> | null = null
  /** A run that is on its way into the engine, for the next look: it may be claimed as it comes. */
  #coming: Run | null = null
  /** When the engine last answered a claim round, epoch ms: the sign that work can be taken at all. */
  lastPassAt = 0

  constructor (options: RunnerOptions) {
    this.#options = options
    const { engine, clock, situation, notice } = options
    this.#buckets = new Buckets(options)
    this.#flows = new Flows(options)
    this.#turns = { since: clock.now(), started: {} }
    this.#alarm = new Alarm({ clock, ring: () => this.#ring(), exact: true })
    this.#ahead = new Ahead({ clock, giveBack: run => this.#unclaim(run) })
    this.#conscience = new Conscience({ ...options, runner: () => this })
    const breath = new Breath({ ...options, active: this.#active, closed: active => this.#conscience.closed(active), free: () => this.standing.free > 0, changed: () => this.wake() })
    engine.listen({
      coming: (task, run) => {
        if (this.#left === null || this.#left.has(task) || options.tasks().get(task)?.depends_on.length !== 0) return
        this.#coming = run()
        this.wake()
      },
      told: news => {
        for (const { kind, run } of news) notice(kind === 'followed' && run.state === 'skipped' ? { kind: 'settled', run, outcome: 'skipped', ms: 0 } : { kind: 'added', run })
        if (news.every(one => this.#isBehind(one))) return false
        this.wake()
        return true
      }
    })
    this.#executor = new Executor({ ...options, active: this.#active, breathe: (active, breathing) => breath.take(active, breathing) })
    situation.onChange(() => {
      this.#ahead.clear()
      this.#conscience.lost()
      this.wake()
    })
  }

  /** True of a run that nothing can be done for before the one that the last look has left, and no sooner than was decided to look again. */
  #isBehind ({ run, behind }: News): boolean {
    return behind !== null && this.#left?.get(run.task) === behind && (run.deadline_at === null || run.deadline_at >= (this.#alarm.at ?? Infinity))
  }

  get active (): ActiveRuns {
    return this.#active
  }

  async start (): Promise<void> {
    if (this.#state !== 'stopped') return
    await this.#buckets.load()
    this.#state = 'started'
    this.#executor.open()
    this.wake()
  }

  /** Looks for work soon; calls that come together are one look. */
  wake (): void {
    if (this.#state !== 'started') return
    this.#again = true
    this.#left = null
    this.#pass ??= this.#look().finally(() => { this.#pass = null })
  }

  /** Resolves when the look that is under way is over. */
  async settled (): Promise<void> {
    while (this.#pass) await this.#pass
  }

  /** The verdict on a run as things stand: what the next look would decide, or one at another instant if nothing else changed. */
  verdict (run: Waiting, at = this.#options.clock.now()): Verdict {
    return verdictOn({ ...this.#facts(), now: at }, run)
  }

  /** The verdicts on many runs. */
  verdicts (runs: readonly Waiting[]): Verdict[] {
    return verdictsOn(this.#facts(), runs)
  }

  /** Starts that queues with a rate have left. */
  get buckets (): Buckets['all'] {
    return this.#buckets.all
  }

  /** What is so in this process right now. */
  get standing (): Standing {
    return { ...standingOf(this.#facts()), active: 0 }
  }

  /** Tells a running run to stop; false when it is not running here. */
  abort (id: string, reason: StopReason): boolean {
    if (this.#ahead.drop(id)) return true
    const told = this.#active.abort(id, reason)
    if (told) this.#options.notice({ kind: 'signalled', id, task: this.#active.get(id)!.task.id, code: reason.code })
    return told
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

  /** Renews the leases; a run that was lost or cancelled elsewhere is told to stop. */
  async renew (): Promise<void> {
    const leases = this.#active.all().map(({ lease }) => lease)
    if (leases.length === 0) return
    const { held, lost } = await this.#options.engine.renew(leases, this.#options.clock.now() + LEASE)
    for (const id of lost) this.abort(id, new StopReason('lost', 'the run was taken over by another process'))
    for (const { id, cancel } of held) if (cancel) this.abort(id, new StopReason('cancelled', cancel.message, cancel.by))
  }

  /** Claims nothing more; what is running goes on. */
  quiesce (): void {
    if (this.#state === 'started') this.#state = 'stopping'
    this.#alarm.clear()
    this.#ahead.clear()
  }

  /** Claims nothing more, waits the grace, then tells what is left to stop and gives their attempts back. */
  async stop (): Promise<void> {
    if (this.#state === 'stopped') return
    this.quiesce()
    await this.settled()
    if (this.#active.size > 0) this.#options.notice({ kind: 'stopping', running: this.#active.size })
    await this.#executor.drained(this.#options.stopGraceMs())
    for (const { run } of this.#active.all()) this.abort(run.id, new StopReason('stopping', 'offpeak is stopping'))
    await this.#executor.drained(this.#options.abortGraceMs + SECOND)
    await this.#buckets.written()
    this.#state = 'stopped'
    this.#executor.close()
  }

  async #look (): Promise<void> {
    try {
      while (this.#again && this.#state === 'started') {
        this.#again = false
        while (this.#state === 'started' && await this.#claim());
      }
    } catch (error) {
      this.#options.notice({ kind: 'engine_failed', call: 'claim', error: failureOf(error) })
    }
  }

  /** One round; true when there may be more to claim. */
  async #claim (): Promise<boolean> {
    const { engine, clock, owner, slots } = this.#options
    const takes = UNSETTLED * slots() - this.#executor.pending
    if (takes <= 0) return false
    const due = await engine.due(clock.now())
    await this.#flows.look(due.tasks.map(({ task }) => task), this.#options.tasks())
    const facts = this.#facts()
    this.lastPassAt = clock.now()
    const ahead = (task: string) => Math.min(this.#ahead.of(task, facts.slots), Math.max(0, takes - facts.slots))
    for (const { limit, room } of grantsFor({ ...facts, due: [...due.tasks, ...this.#comingBeside(due.tasks)], turns: this.#turns, ahead })) {
      if (this.#state !== 'started') return false
      const claimed = await engine.claim({ owner, now: facts.now, lease_until: facts.now + LEASE, limit, room })
      for (const [place, run] of claimed.entries()) {
        if (place >= limit) this.#ahead.put(run, facts.tasks.get(run.task)!)
        else this.#begin(await this.#flows.lend(run, facts.tasks.get(run.task)))
      }
      if (claimed.length > limit) this.#under = facts
      this.#advance()
      if (claimed.length > 0) return true
    }
    const again = due.tasks.length === 0 ? null : await this.#conscience.left(due.tasks)
    await this.#claimEarly(due.next_at)
    if (this.#state === 'started') this.#alarm.set(earliest([again, due.next_at, this.#ahead.at]))
    // Not before the alarm stands: what comes behind is measured by it.
    if (!this.#again) this.#left = new Map(due.tasks.map(({ task, first }) => [task, first.id]))
    return false
  }

  /** Claims what will be due within the lead, as things will stand then: at its instant it has only to begin. */
  async #claimEarly (at: number | null): Promise<void> {
    const { engine, clock, owner, leadMs = 0 } = this.#options
    if (at === null || at > clock.now() + leadMs || this.#ahead.size > 0) return
    const facts = { ...this.#facts(), now: at }
    const grant = earlyGrant({ ...facts, due: (await engine.due(at)).tasks })
    if (grant === null) return
    for (const run of await engine.claim({ owner, now: at, lease_until: at + LEASE, ...grant })) this.#ahead.put(run, facts.tasks.get(run.task)!)
    this.#under = facts
    this.#advance()
  }

  #ring (): void {
    this.#advance()
    this.wake()
  }

  /** The run that is on its way into the engine, unless others of its task are due: those come first. */
  #comingBeside (due: readonly DueTask[]): DueTask[] {
    const run = this.#coming
    this.#coming = null
    return run === null || due.some(({ task }) => task === run.task) ? [] : [{ task: run.task, count: 1, first: run }]
  }

  /** Begins what was claimed ahead, as far as there are slots; true when every slot is taken and some still wait. */
  #advance (): boolean {
    const { tasks, slots } = this.#options
    if (this.#state !== 'started' || this.#hasChanged()) this.#ahead.clear()
    const now = this.#options.clock.now()
    const begins = ({ id, concurrency }: Task, { due_at: at }: Run) => at <= now && this.#active.taken < slots() && (this.#active.byTask.get(id) ?? 0) < concurrency
    while (this.#ahead.size > 0) {
      const next = this.#ahead.take(tasks(), begins)
      if (next === null) break
      this.#begin(next.run)
    }
    return this.#ahead.size > 0 && this.#active.taken >= slots()
  }

  /** Whether things stand otherwise than when runs were claimed ahead: a pause may come while a claim is on its way. */
  #hasChanged (): boolean {
    const { reading, pauses, config } = this.#options.situation.now
    return this.#under !== null && (this.#under.reading !== reading || this.#under.pauses !== pauses || this.#under.config !== config)
  }

  #unclaim (run: Claimed): void {
    void this.#executor.giveBack(run, { code: 'given_back', message: 'it was claimed, but no slot came free for it' }).finally(() => this.wake())
  }

  #begin (run: Claimed): void {
    const task = this.#options.tasks().get(run.task)
    this.#conscience.holds.forget(run)
    if (task === undefined) return void this.#executor.giveBack(run, { code: 'task_missing', message: 'the task vanished while the run was being claimed' })
    this.#turns.started[run.priority] = this.#options.clock.now()
    this.#buckets.draw(run.queue, this.#options.situation.now.config, this.#options.clock.now())
    this.#executor.begin(run, task, ms => {
      if (ms !== undefined) this.#ahead.learn(task, ms)
      if (!this.#advance()) this.wake()
    })
  }

  #facts () {
    const { tasks, slots, clock, situation } = this.#options
    return { ...situation.now, tasks: tasks(), active: this.#active.byTask, priorities: this.#active.byPriority, running: this.#active.running, buckets: this.#buckets.all, priors: this.#flows.priors, slots: slots(), now: clock.now() }
  }
}
