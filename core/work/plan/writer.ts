import { failureOf } from '../../model/run/failure.ts'
import { runConflict } from '../../model/errors/run-errors.ts'
import { readEntry } from './stored.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine, PlanAsk, PlanResult } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { ScheduleFaults } from './faults.ts'
import type { Timetable } from './timetable.ts'
import type { Trigger } from '../../model/trigger.ts'

/** A change of a schedule for the engine to write, and its trigger. */
export interface Plan {
  ask: PlanAsk
  trigger: Trigger
}

interface WriterOptions {
  engine: Engine
  clock: Clock
  notice: Listener
  table: Timetable
  faults: ScheduleFaults
  /** Called with a running run that a later fire replaces. */
  replaced: (run: Run) => void
  /** Called with a plan that could not be written. */
  failed: (plan: Plan, error: unknown) => void
}

/** After this many refusals in a row the engine is at fault and batches are no longer halved. A bad row among 5000
 *  causes fourteen refusals. */
const MOST_REFUSALS = 20

/** The refusals since the last success in a round of writes. */
interface Round {
  refusals: number
}

type Stored = ReadonlyMap<string, Schedule>

/** Writes plans in batches and applies the results. A refused plan does not affect others. */
export class Writer {
  readonly #options: WriterOptions
  /** Schedules whose stored row is missing or unreadable. They are written unconditionally. */
  readonly #unmatched = new Set<string>()

  constructor (options: WriterOptions) {
    this.#options = options
  }

  /** The cursor that the stored row must have; null: any. */
  fromOf ({ id, cursor }: Schedule): number | null {
    return this.#unmatched.has(id) ? null : cursor
  }

  /** Makes the next plan of a schedule overwrite any stored row. */
  overwrite (id: string): void {
    this.#unmatched.add(id)
  }

  /** Writes all plans, `size` at a time, and schedules that have failed before one by one. Never rejects. */
  async write (plans: readonly Plan[], size: number): Promise<void> {
    const round: Round = { refusals: 0 }
    const isAlone = ({ ask: { schedule } }: Plan) => this.#options.faults.has(schedule.id)
    const { together = [], alone = [] } = Object.groupBy(plans, plan => isAlone(plan) ? 'alone' : 'together')
    for (let start = 0; start < together.length; start += size) {
      await this.#writeBatch(together.slice(start, start + size), round)
    }
    for (const plan of alone) await this.#writeBatch([plan], round)
  }

  /** Writes one plan; rejects when the engine refuses it. */
  async writeOne (plan: Plan): Promise<void> {
    const [planned] = await this.#options.engine.plan([plan.ask])
    if (planned!.applied) return this.#took(plan, planned!)
    await this.#reread([[plan, planned!]])
    const { id } = plan.ask.schedule
    throw runConflict({
      what: 'Schedule',
      id,
      state: 'being changed by another process',
      wanted: 'changed now: repeat it'
    })
  }

  /** Halves a refused batch until the plan at fault is found. */
  async #writeBatch (plans: readonly Plan[], round: Round): Promise<void> {
    const { engine, failed } = this.#options
    try {
      const planned = await engine.plan(plans.map(({ ask }) => ask))
      round.refusals = 0
      await this.#takeAll(plans, planned)
    } catch (error) {
      round.refusals++
      if (plans.length === 1) return failed(plans[0]!, error)
      if (round.refusals > MOST_REFUSALS) return this.#giveUp(plans, error)
      const half = plans.length >> 1
      await this.#writeBatch(plans.slice(0, half), round)
      await this.#writeBatch(plans.slice(half), round)
    }
  }

  #giveUp (plans: readonly Plan[], error: unknown): void {
    this.#options.notice({ kind: 'engine_failed', call: 'plan', error: failureOf(error) })
    for (const plan of plans) this.#options.failed(plan, error)
  }

  async #takeAll (plans: readonly Plan[], planned: readonly PlanResult[]): Promise<void> {
    const lost: number[] = []
    for (const [index, plan] of plans.entries()) {
      const answer = planned[index]
      if (answer === undefined) {
        this.#options.failed(plan, new TypeError('the engine has not answered for this schedule'))
      } else if (answer.applied) this.#took(plan, answer)
      // The overlap of an early fire is decided at its instant.
      else if (plan.ask.early) this.#options.table.wait(plan.ask.schedule.id, 0)
      else lost.push(index)
    }
    if (lost.length > 0) await this.#reread(lost.map(index => [plans[index]!, planned[index]!]))
  }

  /** Handles plans whose cursor another owner of the store has moved: the stored row wins. */
  async #reread (lost: readonly [Plan, PlanResult][]): Promise<void> {
    let all: Stored | null = null
    for (const [plan, answer] of lost) {
      try {
        const answered = (answer as PlanResult & { stored?: Schedule | null }).stored
        if (answered === undefined) {
          all ??= new Map((await this.#options.engine.schedules()).map(schedule => [schedule.id, schedule]))
        }
        this.#follow(plan, answered === undefined ? all!.get(plan.ask.schedule.id) ?? null : answered)
      } catch (error) {
        this.#options.failed(plan, error)
      }
    }
  }

  #follow (plan: Plan, stored: Schedule | null): void {
    const { table, clock } = this.#options
    const { id, origin } = plan.ask.schedule
    if (stored === null && origin === 'api') return table.delete(id)
    if (stored === null || stored.cursor === plan.ask.from) {
      this.overwrite(id)
      throw new Error(stored === null ? 'its stored row is missing' : 'the engine refused it without a reason')
    }
    const { entry, error } = readEntry(stored, clock.now())
    if (error !== null) {
      this.overwrite(id)
      throw error
    }
    table.set(entry)
    // Retries in the next round: an engine that always answers this must not prolong the current one.
    if ((stored.next_at ?? Infinity) <= clock.now()) table.waitUntil(id, clock.now() + 1)
  }

  #took ({ ask: { schedule, fires }, trigger }: Plan, { added, skipped, coalesced, replaced }: PlanResult): void {
    const { table, faults, notice } = this.#options
    this.#unmatched.delete(schedule.id)
    table.set({ schedule, trigger })
    if (faults.mend(schedule.id)) notice({ kind: 'schedule_mended', task: schedule.task, schedule: schedule.id })
    if (fires.length === 0) return
    for (const run of replaced) this.#options.replaced(run)
    notice({
      kind: 'fired',
      task: schedule.task,
      schedule: schedule.id,
      added: added.length,
      skipped: skipped.length,
      missed: coalesced
    })
  }
}
