import { DEPENDENCY_FAILED } from '../../model/conditions/dependency-state.ts'
import { HoldLog } from './hold-log.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { agesAt } from '../../model/gates/locks.ts'
import { classify } from '../../model/conditions/classify.ts'
import { nextWindowChange } from '../../model/machine/window.ts'
import { deadlineOf, nextRelaxation } from '../../model/conditions/relaxation.ts'
import { earliest } from '../../model/base/clock.ts'
import { failureOf } from '../../model/run/failure.ts'
import { firstReason, whenLost } from '../../model/admit/evaluate.ts'
import { urgencyOf } from '../../model/conditions/urgency.ts'
import { whomToPreempt } from '../../model/admit/preempt.ts'
import type { Active, ActiveRuns } from '../execute/active-runs.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { EndAsk, Engine } from '../../engine/engine.ts'
import type { GateAnswer, Judgement } from '../../model/conditions/gate.ts'
import type { Judged } from '../../model/admit/judged.ts'
import type { Listener } from '../../model/notice.ts'
import type { Priority, Run } from '../../model/run/run.ts'
import type { LiveConditions } from '../conditions/conditions.ts'
import type { Task } from '../../model/task/task.ts'
import type { Verdicts } from './verdicts.ts'

interface HoldingOptions {
  owner: string
  engine: Engine
  clock: Clock
  notice: Listener
  conditions: LiveConditions
  active: ActiveRuns
  verdicts: Verdicts
  tasks: () => ReadonlyMap<string, Task>
  abort: (id: string, reason: StopReason) => boolean
}

const OVERDUE_BATCH = 100

/** Gates whose limits depend on the hour. */
const BY_HOUR = ['profile', 'background']
/** Gates that hold a run in favour of an older one, until the run has aged as well. */
const BY_TURN = ['alone', 'locks']

/** Handles held runs and running runs whose conditions are lost: the hold log, deadlines, preemption and yield. */
export class Holding {
  readonly #options: HoldingOptions
  readonly log: HoldLog
  /** Runs that were asked to yield to more urgent ones. */
  readonly #leaving = new Set<string>()

  constructor (options: HoldingOptions) {
    this.#options = options
    this.log = new HoldLog(options)
  }

  /** Handles the due runs that a look did not claim: logs why they are held, ends those past their deadline, preempts
   *  runs for urgent ones. Returns the instant at which the passing of time requires the next look (epoch ms), or
   *  null. */
  async settleHeld (judged: readonly Judged[]): Promise<number | null> {
    const { clock } = this.#options
    const now = clock.now()
    this.log.note(judged, now)
    const ended = await Promise.all(judged.map(({ run, judgement }) => this.#end(run, judgement)))
    for (const one of judged) this.#makeRoom(one)
    const deadline = await this.#overdue(now)
    if (ended.includes(true)) return now
    return earliest([deadline, this.#options.verdicts.doubtedUntil ?? null,
      ...judged.map(one => this.#changesAt(one, now))])
  }

  /** Asks running runs whose conditions are lost to yield or to stop, according to their `on_lost`. */
  abortLost (): void {
    const { active, abort } = this.#options
    for (const one of active.all()) {
      if (one.task.on_lost === 'continue') continue
      const { decision, reason } = this.#whenLost(one)
      if (decision === 'continue') continue
      const [code, verb] = decision === 'yield'
        ? ['yield', 'held until it clears'] as const
        : ['cancelled', 'cancelled'] as const
      abort(one.run.id, new StopReason(code, `${reason!.message}: ${verb}`, 'offpeak'))
    }
  }

  /** Why a running run must wait at `ctx.breathe`, or null. */
  closed (active: Active): GateAnswer | null {
    return this.#whenLost({ ...active, task: { ...active.task, on_lost: 'yield' } }).reason
  }

  #whenLost ({ task, run }: Pick<Active, 'task' | 'run'>) {
    const { conditions, clock, verdicts } = this.#options
    return whenLost({
      task,
      run,
      ...conditions.current,
      occupancy: { ...verdicts.occupancy, pauses: conditions.pauses },
      now: clock.now()
    })
  }

  /** Resolves to true when the run was ended. */
  async #end (run: Run, judgement: Judgement): Promise<boolean> {
    const { decision } = judgement
    if (decision !== 'skip' && decision !== 'fail') return false
    const { engine, clock, notice } = this.#options
    const as = decision === 'fail' ? 'failed' : 'skipped'
    try {
      const ended = await engine.end({ id: run.id, now: clock.now(), as, ...this.#whyEnded(run, judgement) })
      return ended !== null
    } catch (error) {
      notice({ kind: 'engine_failed', call: 'end', error: failureOf(error) })
      return false
    }
  }

  /** True when the deadline of a run has passed. */
  #isLate (run: Run): boolean {
    const task = this.#options.tasks().get(run.task)
    return task !== undefined && this.#options.clock.now() >= deadlineOf(task, run).at
  }

  #whyEnded (run: Run, { gates, decision }: Judgement): Pick<EndAsk, 'reason' | 'error'> {
    const lost = gates.find(({ ok, code }) => !ok && code === DEPENDENCY_FAILED)
    if (lost) return { reason: { code: lost.code, message: lost.message, chain: lost.observed as string[] } }
    const { code, message } = firstReason({ gates })!
    const reason = this.#isLate(run)
      ? { code: 'deadline', message: `held until its deadline: ${message}` }
      : { code, message }
    return { reason, ...decision === 'fail' && { error: { name: 'DeadlinePassed', message: reason.message } } }
  }

  /** Ends waiting runs whose deadline has passed and which looks do not judge, such as those waiting for a retry.
   *  Resolves to the next deadline, epoch ms, or null. */
  async #overdue (now: number): Promise<number | null> {
    const { engine, verdicts } = this.#options
    const { runs, next_at: next } = await engine.overdue({ now, limit: OVERDUE_BATCH })
    for (const run of runs) await this.#end(run, verdicts.judge(run))
    return next
  }

  /** Asks a less urgent, preemptible run to yield when only slots hold a critical or high run. */
  #makeRoom ({ run, judgement }: Judged): void {
    const { active, abort, tasks, conditions, clock } = this.#options
    if (judgement.decision !== 'hold' || judgement.gates.some(({ ok, gate }) => !ok && gate !== 'slots')) return
    for (const id of this.#leaving) if (active.get(id) === undefined) this.#leaving.delete(id)
    if (this.#leaving.size > 0) return
    const priority = urgencyOf({ run, task: tasks().get(run.task), class: judgement.class.class })
    const running = active.working.map(({ run: other, task }) => ({
      id: other.id,
      priority: this.#urgencyOf(other, task),
      preemptible: task.preemptible,
      started_at: other.started_at ?? 0,
      preempted: other.preempted
    }))
    const id = whomToPreempt({ priority, running, config: conditions.current.config, now: clock.now() })
    if (id === null) return
    this.#leaving.add(id)
    abort(id, new StopReason('yield', `its slot goes to run ${run.id} of ${run.task}, which is ${priority}`, 'offpeak'))
  }

  #urgencyOf (run: Run, task: Task): Priority {
    return urgencyOf({ run, task, class: classify(task, this.#options.conditions.current.config).class })
  }

  /** The next instant at which the passing of time may change a verdict: limits are relaxed, or a gate opens. */
  #changesAt ({ run, judgement }: Judged, now: number): number | null {
    const task = this.#options.tasks().get(run.task)
    const opens = judgement.gates.flatMap(({ ok, clears_at: at }) => ok || at === null || at <= now ? [] : [at])
    if (task === undefined) return earliest(opens)
    const { config } = this.#options.conditions.current
    const byHour = judgement.gates.some(({ ok, gate }) => !ok && BY_HOUR.includes(gate))
    const aged = agesAt(run.due_at, config)
    if (aged > now && judgement.gates.some(({ ok, gate }) => !ok && BY_TURN.includes(gate))) opens.push(aged)
    if (byHour) opens.push(nextWindowChange(config, now) ?? Infinity)
    const { at: deadline, lengthMs } = deadlineOf(task, run)
    const from = config.scheduling.relax_from
    return earliest([nextRelaxation({ deadline, lengthMs, now, from }), ...opens])
  }
}
