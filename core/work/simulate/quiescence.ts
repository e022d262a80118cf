import { MINUTE } from '../../model/base/duration.ts'
import type { Config } from '../../model/config/config.ts'
import type { DueTask, Engine } from '../../engine/engine.ts'
import type { GateAnswer, Verdict, Waiting } from '../../model/gates/gate.ts'
import type { Situation } from '../conditions/situation.ts'
import type { Task } from '../../model/task/task.ts'

export interface LullOptions {
  situation: Situation
  config: () => Config
  tasks: () => ReadonlyMap<string, Task>
  verdict: (run: Waiting) => Verdict
}

interface Still { id: string, readings: number, until: number }

/** Gates that look at what else is running: no reading has to change for them to open. */
const CROWD = ['profile', 'background']

/** Limits that give way are looked at again when they have given way by so much of the whole. */
const FINE = 1 / 200

const holdsAlone = ({ ok, kind, gate, code }: GateAnswer) => !ok && kind !== 'order' && !CROWD.includes(gate) && code !== 'gate_error'

/** Spares the gates of runs whose verdict cannot have changed: held by the machine or the calendar, with no new reading since and before the
 *  next instant at which time alone may change it. The answers are the same, and a simulated month is not asked a million times. */
export class Lull {
  readonly #options: LullOptions
  readonly #still = new Map<string, Still>()
  #brought: readonly DueTask[] = []
  #readings = 0

  constructor (options: LullOptions) {
    this.#options = options
    options.situation.onChange(() => { this.#readings++ })
  }

  /** The same engine, which does not bring up such runs. */
  reading (engine: Engine): Engine {
    return {
      ...engine,
      due: async now => {
        const due = await engine.due(now)
        const left = due.tasks.filter(one => this.#untilOf(one) <= now)
        const next = due.tasks.reduce((least, one) => this.#untilOf(one) > now ? Math.min(least, this.#untilOf(one)) : least, due.next_at ?? Infinity)
        this.#brought = left
        return { tasks: left, next_at: next === Infinity ? null : next }
      },
      overdue: async ask => {
        // Asked at the end of a look: why the runs wait has been written down by now.
        for (const { first } of this.#brought) this.#note(first, ask.now)
        return await engine.overdue(ask)
      }
    }
  }

  #untilOf ({ task, first }: DueTask): number {
    const still = this.#still.get(task)
    return still?.id === first.id && still.readings === this.#readings ? still.until : -Infinity
  }

  #note (run: DueTask['first'], now: number): void {
    const { tasks, verdict: judge, config } = this.#options
    const verdict = judge(run)
    const task = tasks().get(run.task)
    const isStill = verdict.decision === 'hold' && verdict.gates.some(holdsAlone) && verdict.gates.every(gate => gate.ok || holdsAlone(gate))
    // What others come to is neither a reading nor a time.
    if (task === undefined || !isStill || task.depends_on.length > 0) return void this.#still.delete(run.task)
    const deadline = verdict.deadline!.at
    const givesWay = deadline - task.deadlineMs * (1 - config().scheduling.relax_from)
    const opens = verdict.gates.flatMap(({ ok, clears_at: at }) => ok || at === null ? [] : [at])
    const every = Math.max(MINUTE, (deadline - givesWay) * FINE)
    const again = now >= givesWay ? now + every : Math.min(givesWay, task.constraints.window === undefined ? Infinity : now + MINUTE)
    this.#still.set(run.task, { id: run.id, readings: this.#readings, until: Math.min(deadline, again, ...opens.filter(at => at > now)) })
  }
}
