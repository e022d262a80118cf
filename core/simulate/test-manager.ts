import { rm } from 'node:fs/promises'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { LEASE } from '../work/run/lease-length.ts'
import { DAY, HOUR, milliseconds } from '../model/base/duration.ts'
import { Machine } from './machine.ts'
import { SimulatedClock, untilQuiet } from '../work/simulate/clock.ts'
import { firstReason } from '../model/admit/evaluate.ts'
import { instantIn } from '../model/base/check.ts'
import { waitedInVain } from '../model/errors/request-errors.ts'
import { isFinal } from '../model/run/run.ts'
import { Busyness } from '../work/simulate/busyness.ts'
import { runScope } from '../work/context/scope.ts'
import type { Engine } from '../engine/engine.ts'
import type { InProcess } from '../engine/in-process.ts'
import type { Explanation } from '../work/desk/explain.ts'
import type { TaskManager } from '../manager.ts'
import type { FullRun, Run, State } from '../model/run/run.ts'
import type { Notice } from '../model/notice.ts'
import type { RunAsk } from '../work/desk/request/enqueue-request.ts'
import type { MachineState } from '../model/machine/machine-state.ts'
import type { Signal } from '../model/machine/reading.ts'

/** Milliseconds as a number, or words such as '2h'. */
export type Span = number | string

/** How long the clock waits for the real work of a run between two sleeps, ms of real time. */
const PATIENCE = 5000
const STILL = 3
const NEVER_LATER = 7 * DAY

const msOf = (span: Span): number => typeof span === 'number' ? span : milliseconds(span)

interface TestManagerParts {
  manager: TaskManager
  clock: SimulatedClock
  notices: Notice[]
  machine: Machine
  folder: string | null
  store: Store
}

/** An engine that test managers can share, and the number of its pending calls. */
export interface Store {
  engine: Engine & Partial<InProcess>
  pending: () => number
}

/** A task manager on a simulated clock, a simulated machine and a temporary data folder. Nothing in it waits for real
 *  time. */
export class TestManager {
  readonly manager: TaskManager
  readonly clock: SimulatedClock
  /** All notices so far, except readings. */
  readonly notices: Notice[]
  readonly #machine: Machine
  readonly #folder: string | null
  /** Shared with the test managers beside this one. @internal */
  readonly store: Store
  #beat: () => void = () => undefined
  readonly #busyness: Busyness

  /** Called by `createTestManager`. */
  constructor ({ manager, clock, notices, machine, folder, store }: TestManagerParts) {
    this.manager = manager
    this.clock = clock
    this.notices = notices
    this.#machine = machine
    this.#folder = folder
    this.store = store
    const { runner, conditions } = manager
    this.#busyness = new Busyness({ active: () => runner.active, conditions, patienceMs: PATIENCE })
    manager.onNotice(notice => {
      if (notice.kind === 'resting') this.#busyness.rests(notice.id)
    })
  }

  async start (): Promise<void> {
    await this.manager.start()
    await this.manager.look()
    this.#wait()
    await this.settle()
  }

  /** Resolves when nothing more happens without the clock. Waits up to five seconds for a run that neither sleeps on
   *  the clock of the test nor waits for its gates. */
  async settle (): Promise<void> {
    for (;;) {
      await untilQuiet(() => this.store.pending() > 0, STILL)
      if (!this.#busyness.atWork) return
      await setTimeout(1)
    }
  }

  /** Stops renewing leases and taking samples, like a process that hangs. Running runs continue. */
  freeze (): void {
    this.#beat()
    this.manager.quiesce()
  }

  /** Advances the clock, from timer to timer. */
  async advance (span: Span): Promise<void> {
    await this.advanceTo(this.clock.now() + msOf(span))
  }

  /** Advances the clock to an instant: epoch ms, or ISO 8601 with a zone. */
  async advanceTo (at: number | string): Promise<void> {
    await this.settle()
    await this.clock.goTo(instantIn(at, { what: 'No time has passed', pointer: '/at' }), () => this.settle())
    await this.settle()
  }

  /** Suspends the machine: only the wall clock advances. */
  async suspend (span: Span): Promise<void> {
    await this.settle()
    this.clock.jump(msOf(span))
    this.manager.notice({ kind: 'clock_jumped', ms: msOf(span) })
    await this.manager.look()
    await this.manager.fire()
    await this.settle()
  }

  /** Changes the state of the machine; absent fields stay unchanged. */
  async set (change: MachineState): Promise<void> {
    this.#machine.change(change)
    await this.manager.look()
    this.#wait()
    await this.settle()
  }

  /** Puts the machine on battery, with this level in percent. */
  async unplug (level = this.#machine.level ?? 80): Promise<void> {
    await this.set({ power: 'battery', battery: { level, charging: false } })
  }

  /** Puts the machine on mains; the battery charges. */
  async plug (level = this.#machine.level ?? 90): Promise<void> {
    await this.set({ power: 'mains', battery: { level, charging: true } })
  }

  /** Sets the share of the processors that other programs use. It has an effect after scheduling.dwell. */
  async busy (share = 0.95): Promise<void> {
    await this.set({ cpu: { busy: share, own: 0 } })
  }

  /** Sets the time since the last input, on an idle machine; `idle(0)`: someone uses the machine. */
  async idle (span: Span = HOUR): Promise<void> {
    await this.set({ idle_seconds: msOf(span) / 1000, cpu: { busy: 0.02, own: 0 } })
  }

  /** Sets a custom signal; null removes it. */
  async signal (name: string, value: Signal['value'] | null): Promise<void> {
    await this.set({ signals: { [name]: value } })
  }

  /** Sets the answer of a probe. */
  async probe (name: string, busy: boolean | 'unknown'): Promise<void> {
    await this.set({ probes: { [name]: busy } })
  }

  /** Adds a run of a task, and settles. */
  async enqueue (task: string, ask: RunAsk = {}): Promise<Run> {
    const { run } = await this.manager.desk.enqueue(task, ask)
    await this.settle()
    return (await this.manager.engine.get(run.id))!
  }

  /** Advances the clock until no run is running and no due run may start. Held runs stay held. */
  async drain (within: Span = DAY): Promise<void> {
    const end = this.clock.now() + msOf(within)
    for (await this.settle(); this.manager.runner.active.size > 0; await this.clock.step(() => this.settle())) {
      if (this.clock.now() <= end) continue
      const running = this.manager.runner.active.all().map(({ run }) => `${run.task} (${run.id})`)
      throw waitedInVain(`still running after ${within}: ${running.join(', ')}`)
    }
  }

  /** Advances the clock until a run, or the newest run of a task, has a state; `held`: due, with closed gates. Throws
   *  OFFPEAK_WAITED_IN_VAIN with the actual state and its reason. */
  async waitFor (target: string, state: State | 'held', within: Span = NEVER_LATER): Promise<FullRun> {
    const end = this.clock.now() + msOf(within)
    for (await this.settle();; await this.clock.step(() => this.settle())) {
      const run = await this.#find(target)
      if (run !== null && this.#is(run, state)) return run
      const over = run !== null && run.id === target && isFinal(run.state)
      if (over || this.clock.nextAt === null || this.clock.nextAt > end) {
        throw waitedInVain(`${target} is not ${state}: ${this.#wordsOf(run)}`)
      }
    }
  }

  /** Waits on the clock of the test. Inside a task it rejects with the reason when the run is asked to stop. */
  readonly sleep = async (span: Span): Promise<void> => {
    const id = runScope.getStore()?.id
    const signal = id === undefined ? undefined : this.manager.runner.active.get(id)?.stop.signal
    const sleeping = this.clock.sleep(msOf(span), signal)
    await (id === undefined ? sleeping : this.#busyness.during(id, sleeping))
  }

  /** The runs of a task, or all runs, oldest first. */
  async runs (task?: string): Promise<FullRun[]> {
    const found: Run[] = []
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await this.manager.engine.list({
        limit: 200,
        ...task !== undefined && { task },
        ...cursor !== undefined && { cursor }
      })
      found.unshift(...page.items.toReversed())
      cursor = page.next
    }
    return await Promise.all(found.map(async ({ id }) => (await this.manager.engine.get(id))!))
  }

  /** Explains why a task waits, or the verdict on its next run. */
  async why (task: string): Promise<Explanation> {
    return await this.manager.explain.task(this.manager.desk.definition(task))
  }

  /** Stops the manager, with graces on the clock of the test, and removes the data folder. */
  async close (): Promise<void> {
    this.#beat()
    const waiting = { isOver: false }
    const stopping = this.manager.stop().finally(() => {
      waiting.isOver = true
    })
    for (await this.settle(); !waiting.isOver; await setImmediate()) {
      if (this.manager.runner.active.size > 0) await this.clock.step(() => this.settle())
    }
    await stopping
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true })
  }

  async #find (target: string): Promise<FullRun | null> {
    const { engine, catalog } = this.manager
    if (!catalog.tasks.has(target)) return await engine.get(target)
    const [newest] = (await engine.list({ task: target, limit: 1 })).items
    return newest === undefined ? null : await engine.get(newest.id)
  }

  #is (run: FullRun, state: State | 'held'): boolean {
    if (state !== 'held') return run.state === state
    return run.state === 'queued' && run.due_at <= this.clock.now() &&
      this.manager.runner.verdicts.of(run).decision === 'hold'
  }

  #wordsOf (run: FullRun | null): string {
    if (run === null) return 'there is no such run'
    const reason = run.state === 'queued' ? firstReason(this.manager.runner.verdicts.of(run)) : run.error ?? run.reason
    const failure = reason ? undefined : run.attempts.at(-1)?.error
    return `it is ${run.state}${reason ? `, ${reason.message}` : ''}${
      failure ? `; attempt ${run.attempts.length} failed: ${failure.message}` : ''
    }`
  }

  /** Runs the timed loops of the manager: often after a change, until every dwell has passed, then once a minute. */
  #wait (): void {
    this.#beat()
    // Owners that share a store must renew their leases in time.
    const every = Math.min(this.#machine.every(this.manager.config),
      (this.store.engine.users?.() ?? 1) > 1 ? LEASE / 3 : Infinity)
    this.#beat = this.clock.after(every, () => {
      for (const name of ['sample', 'flush', 'renew', 'sweep']) void this.manager.beat(name)
      this.#wait()
    })
  }
}
