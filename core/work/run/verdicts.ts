import { NO_OTHERS } from '../../model/conditions/occupancy.ts'
import { judge } from '../../model/admit/evaluate.ts'
import { snapshotAt, occupancyOf, subjectOf, verdictOn, verdictsOn } from '../../model/admit/admission-input.ts'
import { ClockSteps } from '../conditions/clock-steps.ts'
import type { ActiveRuns } from '../execute/active-runs.ts'
import type { Bucket } from '../../model/config/queue.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Dependencies } from '../conditions/dependencies.ts'
import type { AdmissionInput } from '../../model/admit/admission-input.ts'
import type { Conditions, GateAnswer, Judgement, Reservation, Occupancy, Verdict,
  Waiting } from '../../model/conditions/gate.ts'
import type { Others } from '../../model/conditions/occupancy.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Run } from '../../model/run/run.ts'
import type { Task } from '../../model/task/task.ts'

export interface VerdictsOptions {
  active: ActiveRuns
  clock: Clock
  dependencies: Dependencies
  conditions: LiveConditions
  slots: () => number
  tasks: () => ReadonlyMap<string, Task>
  steps?: ClockSteps | undefined
}

/** What the engine reports about other owners of the store. */
interface Shared {
  others: Others
  rates: Readonly<Record<string, Bucket>>
}

const ALONE: Shared = { others: NO_OTHERS, rates: {} }

/** The inputs of a verdict, except for the running runs. */
export type VerdictInputs = Omit<Conditions, 'hysteresis'> & Pick<AdmissionInput, 'tasks' | 'now'>

/** True when the inputs of two verdicts are the same. The instant is not compared. */
export const hasSameInputs = (a: VerdictInputs, b: VerdictInputs): boolean =>
  a.reading === b.reading && a.config === b.config && a.pauses === b.pauses && a.trials === b.trials &&
  a.tasks === b.tasks

/** Gates that count slots: a run that gave up its slot must pass them again before it continues. */
const SLOTS = ['slots', 'priority', 'profile', 'background', 'concurrency', 'alone']

/** Decides whether runs may start. */
export class Verdicts {
  readonly #options: VerdictsOptions
  readonly #steps: ClockSteps
  #shared = ALONE
  #buckets: ReadonlyMap<string, Bucket> = new Map()
  #open: { inputs: VerdictInputs, now: number, answers: Map<string, boolean> } | null = null
  /** The run for which the last look reserved the machine, because it must run alone, or null. */
  reserved: Reservation | null = null
  /** Scheduled runs due before this instant count as piled up, epoch ms. */
  piledUpBefore: number | null = null

  constructor (options: VerdictsOptions) {
    this.#options = options
    this.#steps = options.steps ?? new ClockSteps(options.clock)
  }

  /** Stores what the engine reports about the whole store. */
  learn (shared: Shared): void {
    this.#shared = shared
    this.#buckets = new Map(Object.entries(shared.rates))
  }

  /** Until when the clock is not trusted, epoch ms; undefined when it is. */
  get doubtedUntil (): number | undefined {
    const ms = this.#steps.settlesIn()
    return ms > 0 ? this.#options.clock.now() + Math.ceil(ms) : undefined
  }

  get buckets (): ReadonlyMap<string, Bucket> {
    return this.#buckets
  }

  /** The current inputs of verdicts. */
  facts (): AdmissionInput & Required<Pick<AdmissionInput, 'reading' | 'config' | 'pauses'>> {
    const { tasks, slots, clock, conditions, active, dependencies } = this.#options
    const { doubtedUntil } = this
    return {
      ...conditions.current,
      ...doubtedUntil !== undefined && { doubtedUntil },
      tasks: tasks(),
      running: active.begun,
      others: this.#shared.others,
      buckets: this.#buckets,
      dependencies: dependencies.states,
      slots: slots(),
      now: clock.now(),
      piledUpBefore: this.piledUpBefore,
      reserved: this.reserved
    }
  }

  /** The verdict on a run: the decision of the next look, or of a look at another instant if nothing else changes. */
  of (run: Waiting, at = this.#options.clock.now()): Verdict {
    return verdictOn({ ...this.facts(), now: at }, run)
  }

  /** The verdicts on several runs, in their order. */
  ofAll (runs: readonly Waiting[]): Verdict[] {
    return verdictsOn(this.facts(), runs)
  }

  /** The same decision as `of`, without messages for open gates. */
  judge (run: Waiting): Judgement {
    const facts = this.facts()
    const total = occupancyOf(facts)
    return judge(snapshotAt(facts, total), subjectOf(facts, total, run))
  }

  /** True when a prefetched run may start, apart from slots and the concurrency of its task. The answer is cached for
   *  the instant, because hundreds of runs of one cohort, which the gates judge equally, are prefetched together. */
  isOpen (run: Run): boolean {
    const { inputs } = this
    if (this.#open === null || this.#open.now !== inputs.now || !hasSameInputs(this.#open.inputs, inputs)) {
      this.#open = { inputs, now: inputs.now, answers: new Map() }
    }
    const key = `${run.task} ${run.queue} ${run.priority} ${run.source} ${run.crashes}`
    const known = this.#open.answers.get(key) ??
      this.judge(run).gates.every(({ ok, gate }) => ok || gate === 'slots' || gate === 'concurrency')
    this.#open.answers.set(key, known)
    return known
  }

  /** The current inputs of verdicts, except for the running runs. */
  get inputs (): VerdictInputs {
    const { tasks, clock, conditions } = this.#options
    const { reading, config, pauses, trials } = conditions.current
    return { reading, config, pauses, trials, tasks: tasks(), now: clock.now() }
  }

  /** Why a run that gave up its slot cannot get one again, or null. */
  slotFor (run: Waiting): GateAnswer | null {
    return this.judge(run).gates.find(({ ok, gate }) => !ok && SLOTS.includes(gate)) ?? null
  }

  /** The occupancy, without the slots that runs of this process take. */
  get occupancy (): Occupancy {
    return { ...occupancyOf(this.facts()).occupancy, active: 0 }
  }
}
