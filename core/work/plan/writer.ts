import { failureOf } from '../../model/run/failure.ts'
import { readEntry } from './stored.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine, PlanAsk, PlanResult } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'
import type { Schedule } from '../../model/schedule/schedule.ts'
import type { ScheduleFaults } from './faults.ts'
import type { Timetable } from './timetable.ts'
import type { Trigger } from '../../model/trigger.ts'

/** What the engine is asked to write, and the trigger of what is written. */
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

/** After so many refusals in a row it is the engine that is to blame, and no batch is taken apart any more. A bad row
 *  among 5,000 takes fourteen. */
const MOST_REFUSALS = 20

/** Of one round of writing: refusals since the engine last took something. */
interface Round {
  refusals: number
}

type Stored = ReadonlyMap<string, Schedule>

/** Writes plans in batches and takes over what the engine answers. A plan that is refused harms no other. */
export class Writer {
  readonly #options: WriterOptions
  /** Schedules whose stored row is missing or cannot be read: they are written whatever is stored. */
  readonly #unmatched = new Set<string>()

  constructor (options: WriterOptions) {
    this.#options = options
  }

  /** The cursor that the stored row must have. */
  fromOf ({ id, cursor }: Schedule): number | null {
    return this.#unmatched.has(id) ? null : cursor
  }

  /** Writes the next plan of a schedule whatever is stored. */
  overwrite (id: string): void {
    this.#unmatched.add(id)
  }

  /** Writes them all, `size` at a time; what has failed before goes by itself. Never rejects. */
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
    this.#took(plan, planned!)
  }

  /** A batch that is refused is halved, down to the plan that is to blame. */
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
      // Its overlap is decided at its instant.
      else if (plan.ask.early) this.#options.table.wait(plan.ask.schedule.id, 0)
      else lost.push(index)
    }
    if (lost.length > 0) await this.#reread(lost.map(index => [plans[index]!, planned[index]!]))
  }

  /** Somebody else has moved the cursor: what is stored counts. */
  async #reread (lost: readonly [Plan, PlanResult][]): Promise<void> {
    let all: Stored | null = null
    for (const [plan, answer] of lost) {
      try {
        const told = (answer as PlanResult & { stored?: Schedule | null }).stored
        if (told === undefined) {
          all ??= new Map((await this.#options.engine.schedules()).map(schedule => [schedule.id, schedule]))
        }
        this.#follow(plan, told === undefined ? all!.get(plan.ask.schedule.id) ?? null : told)
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
      throw new Error(stored === null ? 'its stored row is gone' : 'the engine has not taken it, and has not said why')
    }
    const { entry, error } = readEntry(stored, clock.now())
    if (error !== null) {
      this.overwrite(id)
      throw error
    }
    table.set(entry)
    // In the next round: an engine that always answers so must not keep this one running.
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
