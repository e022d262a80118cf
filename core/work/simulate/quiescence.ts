import { MINUTE } from '../../model/base/duration.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { GateAnswer, Verdict, Waiting } from '../../model/conditions/gate.ts'
import type { Run } from '../../model/run/run.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Task } from '../../model/task/task.ts'

interface QuiescenceOptions {
  conditions: LiveConditions
  config: () => Config
  tasks: () => ReadonlyMap<string, Task>
  verdicts: (runs: readonly Waiting[]) => Verdict[]
}

interface Still {
  readings: number
  until: number
}

/** Limits that are relaxed towards a deadline are evaluated again after this share of the whole. */
const FINE = 1 / 200

/** A run that waits for other runs is not judged again for this many looks. */
const LOOKS = 16

/** True for closed gates that only a reading or time opens. Gates of order and share depend on other runs. */
const holdsAlone = ({ ok, kind, code }: GateAnswer) =>
  !ok && (kind === 'condition' || kind === 'safety') && code !== 'gate_error'

/** Skips the gates of runs whose verdict cannot have changed: they are held by the machine or the calendar, there is no
 *  new reading, and the next instant at which time alone may open them has not come. The results are the same; a
 *  simulated month takes a fraction of the verdicts. */
export class Quiescence {
  readonly #options: QuiescenceOptions
  /** The skipped runs, by id: the first of a cohort, or a single run. */
  readonly #still = new Map<string, Still>()
  /** For each run that waits for other runs, the look at which it is judged again. */
  readonly #moving = new Map<string, number>()
  #looks = 0
  #brought: readonly Run[] = []
  #readings = 0

  constructor (options: QuiescenceOptions) {
    this.#options = options
    options.conditions.onChange(() => {
      this.#readings++
    })
  }

  /** Wraps an engine so that `due` leaves such runs out. */
  reading (engine: Engine): Engine {
    return {
      ...engine,
      due: async ask => {
        const { now } = ask
        const due = await engine.due(ask)
        const cohorts = due.cohorts.filter(({ first }) => this.#untilOf(first) <= now)
        const singles = due.singles.filter(run => this.#untilOf(run) <= now)
        const all = [...due.cohorts.map(({ first }) => first), ...due.singles]
        const next = all.reduce(
          (least, run) => this.#untilOf(run) > now ? Math.min(least, this.#untilOf(run)) : least,
          due.next_at ?? Infinity
        )
        this.#brought = [...cohorts.map(({ first }) => first), ...singles]
        return { ...due, cohorts, singles, next_at: next === Infinity ? null : next }
      },
      overdue: async ask => {
        // Called at the end of a look: the reasons of the runs are stored by now.
        this.#looks++
        const asked = this.#brought.filter(({ id }) => this.#looks >= (this.#moving.get(id) ?? 0))
        const verdicts = this.#options.verdicts(asked)
        for (const [index, run] of asked.entries()) this.#note(run, verdicts[index]!, ask.now)
        return await engine.overdue(ask)
      }
    }
  }

  #moves ({ id }: Run): void {
    this.#still.delete(id)
    this.#moving.set(id, this.#looks + LOOKS)
  }

  #untilOf ({ id }: Run): number {
    const still = this.#still.get(id)
    return still?.readings === this.#readings ? still.until : -Infinity
  }

  #note (run: Run, verdict: Verdict, now: number): void {
    const { tasks, config } = this.#options
    const task = tasks().get(run.task)
    const isStill = verdict.decision === 'hold' && verdict.gates.some(holdsAlone) &&
      verdict.gates.every(gate => gate.ok || holdsAlone(gate))
    // A run with dependencies waits for outcomes, which are neither readings nor instants.
    if (task === undefined || !isStill || task.depends_on.length > 0) return this.#moves(run)
    const { at: deadline, lengthMs } = verdict.deadline!
    const givesWay = deadline - lengthMs * (1 - config().scheduling.relax_from)
    const opens = verdict.gates.flatMap(({ ok, clears_at: at }) => ok || at === null ? [] : [at])
    const every = Math.max(MINUTE, (deadline - givesWay) * FINE)
    const again = now >= givesWay
      ? now + every
      : Math.min(givesWay, task.constraints.window === undefined ? Infinity : now + MINUTE)
    this.#moving.delete(run.id)
    this.#still.set(
      run.id,
      { readings: this.#readings, until: Math.min(deadline, again, ...opens.filter(at => at > now)) }
    )
  }
}
