import { Alarm } from './alarm.ts'
import { ActiveRuns } from './active.ts'
import { ProgressTracker } from './progress.ts'
import { RunLines } from './lines.ts'
import { SECOND } from '../model/duration.ts'
import { StopReason } from '../model/outcome.ts'
import { attempt } from './attempt.ts'
import { contextFor } from './context.ts'
import { failureOf } from '../model/failure.ts'
import { grantsFor, verdictOn } from '../model/room.ts'
import { runScope } from './scope.ts'
import { workOf } from './work.ts'
import type { Active } from './active.ts'
import type { Claimed, Engine, LogLine, Settlement } from '../engine/engine.ts'
import type { Circumstances } from '../model/room.ts'
import type { Clock } from '../model/clock.ts'
import type { Enqueue, Services, TaskLog } from '../model/context.ts'
import type { Listener } from '../model/notice.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Priority, Run } from '../model/run.ts'
import type { Service } from '../model/service.ts'
import type { Task } from '../model/task.ts'
import type { Verdict, Waiting } from '../model/gates/gate.ts'

/** How long a claim holds without being renewed. */
export const LEASE = 30 * SECOND

export interface RunnerOptions {
  engine: Engine
  clock: Clock
  random: () => number
  notice: Listener
  owner: string
  tasks: () => ReadonlyMap<string, Task>
  slots: () => number
  /** What the machine, the configuration and people say of starting runs now. */
  circumstances?: () => Circumstances
  /** How long running runs may go on after a stop was asked for. */
  stopGraceMs: () => number
  /** How long a run that was told to stop may take before its slot is freed. */
  abortGraceMs: number
  logFor: (write: (line: LogLine) => void) => TaskLog
  services: () => Services
  enqueue: (task: string, ask: Enqueue) => Promise<string>
}

/** Claims what may start, executes it and settles it. */
export class Runner implements Service {
  readonly #options: RunnerOptions
  readonly #alarm: Alarm
  readonly #active = new ActiveRuns()
  readonly #attempts = new Set<Promise<void>>()
  readonly #unsettled = new Set<() => void>()
  readonly #turns: { since: number, started: Partial<Record<Priority, number>> }
  #state: 'stopped' | 'started' | 'stopping' = 'stopped'
  #pass: Promise<void> | null = null
  #again = false
  /** When the engine last answered a claim round, epoch ms: the sign that work can be taken at all. */
  lastPassAt = 0

  constructor (options: RunnerOptions) {
    this.#options = options
    this.#turns = { since: options.clock.now(), started: {} }
    this.#alarm = new Alarm({ now: options.clock.now, ring: () => this.wake() })
  }

  get active (): ActiveRuns {
    return this.#active
  }

  async start (): Promise<void> {
    if (this.#state !== 'stopped') return
    this.#state = 'started'
    this.wake()
  }

  /** Looks for work soon; calls that come together are one look. */
  wake (): void {
    if (this.#state !== 'started') return
    this.#again = true
    this.#pass ??= this.#look().finally(() => { this.#pass = null })
  }

  /** Resolves when the look that is under way is over. */
  async settled (): Promise<void> {
    while (this.#pass) await this.#pass
  }

  /** The verdict on a run as things stand: what the next look would decide. */
  verdict (run: Waiting): Verdict {
    return verdictOn(this.#standing(), run)
  }

  /** Tells a running run to stop; false when it is not running here. */
  abort (id: string, reason: StopReason): boolean {
    const told = this.#active.abort(id, reason)
    if (told) this.#options.notice({ kind: 'signalled', id, task: this.#active.get(id)!.task.id, code: reason.code })
    return told
  }

  /** Stores progress and log lines, and tries again what could not be settled. */
  async flush (): Promise<void> {
    await this.#active.flush(this.#options.engine, this.#options.clock.now())
  }

  /** Tries again to settle what the engine could not take. */
  retrySettle (): void {
    for (const again of this.#unsettled) again()
    this.#unsettled.clear()
  }

  /** Renews the leases; a run that was lost or cancelled elsewhere is told to stop. */
  async renew (): Promise<void> {
    const leases = this.#active.all().map(({ lease }) => lease)
    if (leases.length === 0) return
    const { held, lost } = await this.#options.engine.renew(leases, this.#options.clock.now() + LEASE)
    for (const id of lost) this.abort(id, new StopReason('lost', 'the run was taken over by another process'))
    for (const { id, cancel } of held) if (cancel) this.abort(id, new StopReason('cancelled', cancel.message, cancel.by))
  }

  /** Claims nothing more, waits the grace, then tells what is left to stop and gives their attempts back. */
  async stop (): Promise<void> {
    if (this.#state === 'stopped') return
    this.#state = 'stopping'
    this.#alarm.clear()
    await this.settled()
    if (this.#active.size > 0) this.#options.notice({ kind: 'stopping', running: this.#active.size })
    await this.#drained(this.#options.stopGraceMs())
    for (const { run } of this.#active.all()) this.abort(run.id, new StopReason('stopping', 'offpeak is stopping'))
    await this.#drained(this.#options.abortGraceMs + SECOND)
    this.#state = 'stopped'
    this.retrySettle()
  }

  async #drained (withinMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const limit = new Promise<void>(resolve => { timer = setTimeout(resolve, withinMs) })
    await Promise.race([Promise.all(this.#attempts), limit])
    clearTimeout(timer)
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
    const { engine, clock, owner } = this.#options
    const standing = this.#standing()
    const due = await engine.due(standing.now)
    this.#alarm.set(due.next_at)
    this.lastPassAt = clock.now()
    for (const { limit, room } of grantsFor({ ...standing, due: due.tasks, turns: this.#turns })) {
      if (this.#state !== 'started') return false
      const claimed = await engine.claim({ owner, now: standing.now, lease_until: standing.now + LEASE, limit, room })
      for (const run of claimed) this.#begin(run)
      if (claimed.length > 0) return true
    }
    return false
  }

  #standing () {
    const { tasks, slots, clock, circumstances } = this.#options
    return { ...circumstances?.(), tasks: tasks(), active: this.#active.byTask, priorities: this.#active.byPriority, slots: slots(), now: clock.now() }
  }

  #begin (run: Claimed): void {
    const task = this.#options.tasks().get(run.task)
    const lease = { id: run.id, turn: run.turn }
    if (task === undefined) {
      const reason = { code: 'task_missing', message: 'the task vanished while the run was being claimed' }
      return void this.#settle({ lease, outcome: { kind: 'postponed', reason, due_at: run.due_at }, now: this.#options.clock.now() })
    }
    const active: Active = { run, task, lease, controller: new AbortController(), lines: new RunLines(), progress: new ProgressTracker(this.#options.clock) }
    this.#active.add(active)
    this.#turns.started[run.priority] = this.#options.clock.now()
    this.#options.notice({ kind: 'claimed', run })
    const running = this.#execute(active).finally(() => this.#attempts.delete(running))
    this.#attempts.add(running)
  }

  async #execute (active: Active): Promise<void> {
    const { run, task, controller } = active
    const { clock, random, abortGraceMs, notice } = this.#options
    const began = clock.monotonic()
    const ctx = this.#contextOf(active)
    const work = workOf(task.work, child => this.#options.engine.report({ lease: active.lease, now: clock.now(), child }))
    const outcome = await attempt({
      task, run, controller, clock, random, graceMs: abortGraceMs,
      work: () => runScope.run({ id: run.id, task: task.id }, work, ctx),
      overdue: ms => notice({ kind: 'overdue', id: run.id, task: task.id, ms })
    })
    await this.#finish(active, outcome, clock.monotonic() - began)
  }

  async #finish (active: Active, outcome: Outcome, ms: number): Promise<void> {
    const { run, lease, lines, progress } = active
    const moved = progress.take()
    const logs = lines.end()
    const settled = await this.#settle({
      lease, outcome, now: this.#options.clock.now(), ...logs.length > 0 ? { logs } : {}, ...moved ? { progress: moved } : {}
    })
    this.#active.delete(active)
    if (settled) this.#options.notice({ kind: 'settled', run: settled, outcome: outcome.kind, ms })
    else this.#options.notice({ kind: 'stale', id: run.id, turn: lease.turn, outcome: outcome.kind })
    this.wake()
  }

  /** Settles, and goes on trying while the engine cannot take it: what a task did must not be lost to a full disk. */
  async #settle (settlement: Settlement): Promise<Run | null> {
    for (;;) {
      try {
        return await this.#options.engine.settle(settlement)
      } catch (error) {
        this.#options.notice({ kind: 'engine_failed', call: 'settle', error: failureOf(error) })
        if (this.#state === 'stopped') return null
        await new Promise<void>(resolve => this.#unsettled.add(resolve))
      }
    }
  }

  #contextOf ({ run, lease, controller, lines, progress }: Active) {
    const { engine, clock, services, enqueue, logFor } = this.#options
    return contextFor({
      run,
      signal: controller.signal,
      log: () => logFor(line => lines.write(line)),
      progress,
      services: services(),
      enqueue,
      save: async state => {
        const held = await engine.report({ lease, now: clock.now(), checkpoint: state })
        if (!held) throw new StopReason('lost', 'the run was taken over: its checkpoint was not saved')
      }
    })
  }
}
