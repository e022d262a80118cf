import { Holds } from './hold-log.ts'
import { earliest } from '../../model/base/clock.ts'
import { DEPENDENCY_FAILED } from '../../model/gates/dependency.ts'
import { StopReason } from '../../model/run/outcome.ts'
import { firstReason, whenLost } from '../../model/gates/evaluate.ts'
import { whomToPreempt } from '../../model/admit/preempt.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { DueTask, Engine } from '../../engine/engine.ts'
import type { GateAnswer, Standing, Verdict, Waiting } from '../../model/gates/gate.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'
import type { Active, ActiveRuns } from './active.ts'
import type { Situation } from '../conditions/situation.ts'

/** What it needs of the runner. */
export interface Runs {
  readonly active: ActiveRuns
  readonly standing: Standing
  verdict (run: Waiting): Verdict
  verdicts (runs: readonly Waiting[]): Verdict[]
  abort (id: string, reason: StopReason): boolean
}

export interface ConscienceOptions {
  engine: Engine
  clock: Clock
  notice: Listener
  situation: Situation
  runner: () => Runs
}

const OVERDUE_BATCH = 100

/** What becomes of runs that may not start, and of running ones that should not go on. */
export class Conscience {
  readonly #options: ConscienceOptions
  readonly #holds: Holds
  /** Runs that were told to leave their slot for a more urgent one. */
  readonly #leaving = new Set<string>()

  constructor (options: ConscienceOptions) {
    this.#options = options
    this.#holds = new Holds(options)
  }

  get holds (): Holds {
    return this.#holds
  }

  /** Deals with the due runs that a look has left: notes why they wait, ends those whose deadline says so, makes room for urgent ones.
   *  Answers when to look again by the clock alone, or null. */
  async left (due: readonly DueTask[]): Promise<number | null> {
    const { clock, runner } = this.#options
    const now = clock.now()
    const verdicts = runner().verdicts(due.map(({ first }) => first))
    const heads = due.map(({ first }, place) => ({ run: first, verdict: verdicts[place]! }))
    await this.#holds.note(heads, now)
    const ended = await Promise.all(heads.map(({ run, verdict }) => this.#end(run, verdict)))
    for (const { run, verdict } of heads) this.#makeRoom(run, verdict)
    const deadline = await this.#overdue(now)
    if (ended.includes(true)) return now
    return earliest([deadline, ...heads.map(({ verdict }) => opensAt(verdict, now))])
  }

  /** Tells running runs whose conditions are lost to yield or to stop, as their tasks say. */
  lost (): void {
    const { runner } = this.#options
    for (const active of runner().active.all()) {
      if (active.task.on_lost === 'continue') continue
      const { decision, reason } = this.#whenLost(active)
      if (decision === 'continue') continue
      const [code, verb] = decision === 'yield' ? ['yield', 'held until it clears'] as const : ['cancelled', 'cancelled'] as const
      runner().abort(active.run.id, new StopReason(code, `${reason!.message}: ${verb}`, 'offpeak'))
    }
  }

  /** Why a running run should pause where it can, or null: asked at the places that its task has chosen. */
  closed (active: Active): GateAnswer | null {
    return this.#whenLost({ ...active, task: { ...active.task, on_lost: 'yield' } }).reason
  }

  #whenLost ({ task, run }: Pick<Active, 'task' | 'run'>) {
    const { situation, clock, runner } = this.#options
    return whenLost({ task, run, ...situation.now, standing: { ...runner().standing, pauses: situation.pauses }, now: clock.now() })
  }

  async #end (run: Run, verdict: Verdict): Promise<boolean> {
    if (verdict.decision !== 'skip' && verdict.decision !== 'fail') return false
    const { engine, clock, notice } = this.#options
    const lost = verdict.gates.find(({ ok, code }) => !ok && code === DEPENDENCY_FAILED)
    const reason = lost ?? firstReason(verdict)!
    const why = lost ? { code: lost.code, message: lost.message, chain: lost.observed as string[] } : verdict.deadline !== null && clock.now() >= verdict.deadline.at
      ? { code: 'deadline', message: `held until its deadline: ${reason.message}` }
      : { code: reason.code, message: reason.message }
    const as = verdict.decision === 'fail' ? 'failed' : 'skipped'
    const ended = await engine.end({ id: run.id, now: clock.now(), as, reason: why, ...as === 'failed' ? { error: { name: 'DeadlinePassed', message: why.message } } : {} })
    if (ended === null) return false
    this.#holds.forget(run)
    notice({ kind: 'settled', run: ended, outcome: as, ms: 0 })
    return true
  }

  /** Ends waiting runs whose deadline has passed while a more urgent run of the same task stood before them. */
  async #overdue (now: number): Promise<number | null> {
    const { engine, runner } = this.#options
    const { runs, next_at: next } = await engine.overdue({ now, limit: OVERDUE_BATCH })
    for (const run of runs) await this.#end(run, runner().verdict(run))
    return next
  }

  /** A critical or high run that finds every slot taken may have that of a less urgent run that can be put back. */
  #makeRoom (run: Run, verdict: Verdict): void {
    const { runner } = this.#options
    if (verdict.decision !== 'hold' || verdict.gates.some(({ ok, gate }) => !ok && gate !== 'slots')) return
    const active = runner().active.all()
    for (const id of this.#leaving) if (!active.some(one => one.run.id === id)) this.#leaving.delete(id)
    if (this.#leaving.size > 0) return
    const running = active.map(({ run: { id, priority, started_at: at }, task }) => ({ id, priority, preemptible: task.preemptible, started_at: at ?? 0 }))
    const id = whomToPreempt(run.priority, running)
    if (id === null) return
    this.#leaving.add(id)
    runner().abort(id, new StopReason('yield', `its slot goes to run ${run.id} of ${run.task}, which is ${run.priority}`, 'offpeak'))
  }
}

/** The next instant at which the clock alone may change a verdict: its deadline, or the opening of a gate. */
function opensAt (verdict: Verdict, now: number): number | null {
  const opens = verdict.gates.flatMap(({ ok, clears_at: at }) => ok || at === null || at <= now ? [] : [at])
  return earliest([verdict.deadline !== null && verdict.deadline.at > now ? verdict.deadline.at : null, ...opens])
}
