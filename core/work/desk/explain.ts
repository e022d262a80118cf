import { firstDueRuns } from './first-due-runs.ts'
import { isFinal } from '../../model/run/run.ts'
import { sectionOf } from '../../model/task/built-in.ts'
import type { Deadline } from '../../model/conditions/relaxation.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { FullRun, Hold, Prerequisite, Run } from '../../model/run/run.ts'
import type { GateAnswer, Verdict, Waiting } from '../../model/conditions/gate.ts'
import type { Forecaster } from '../plan/forecaster.ts'
import type { Place } from '../../model/errors/errors.ts'
import type { Planner } from '../plan/planner.ts'
import type { Runner } from '../run/runner.ts'
import type { Task } from '../../model/task/task.ts'

/** The answer of a gate. `since`: when it began to hold the run, epoch ms, or null when unknown; `place`: where its
 *  requirement is configured. */
export interface Explained extends Omit<GateAnswer, 'source'> {
  since: number | null
  source: string
  place: Place | null
}

/** Why a run waits, or whether a new run of the task would start. Instants are epoch ms. */
export interface Explanation {
  task: string
  run: string | null
  at: number
  /** `start`, `hold`, `skip` or `fail` for the present and the future; the state of the run for the past. */
  decision: Verdict['decision'] | Run['state']
  message: string
  gates: Explained[]
  /** The forecast start. `certain`: it does not depend on readings. */
  earliest: { at: number, certain: boolean } | null
  deadline: Omit<Deadline, 'lengthMs'> | null
  class: Verdict['class'] | null
  relaxed: number
  advice: Verdict['advice'] | null
  recommendation: Verdict['recommendation'] | null
  /** The spans in which gates have held the run, oldest first. */
  holds: Hold[]
}

interface ExplainOptions {
  engine: Engine
  clock: Clock
  runner: Runner
  planner: Planner
  task: (id: string) => Task
  forecaster: () => Pick<Forecaster, 'earliestOf' | 'nextOf'>
  /** The file and pointer of a setting in the configuration. */
  placeOf: (pointer: string) => Place | null
}

/** The subject of a question: a run, or the next run of a task. */
interface Asked {
  at: number
  run?: FullRun
  task?: Task
  earliest: () => Promise<Explanation['earliest']>
}

const DEFINITION = 'task definition '
const MOST_RUNS = 100

/** Explains why a task or run waits, with the verdict on which the runner acts. The past is read from the hold log. */
export class Explain {
  readonly #options: ExplainOptions

  constructor (options: ExplainOptions) {
    this.#options = options
  }

  /** Why a task does not run now or at another instant: explains its first waiting run, else its next fire, else a run
   *  requested now. */
  async task (task: Task, asked?: number): Promise<Explanation> {
    const { engine, planner, clock } = this.#options
    const now = clock.now()
    const at = asked ?? now
    if (at < now) return await this.#taskThen(task.id, at)
    const waiting = firstDueRuns(await engine.due({ now, owner: '' })).get(task.id) ??
      (await engine.list({ task: task.id, state: ['queued'], limit: 1 })).items[0]
    if (waiting) return await this.#ofRun((await engine.get(waiting.id))!, at, now)
    const next =
      planner.of(task.id).flatMap(({ next_at: fire }) => fire === null ? [] : [fire]).toSorted((a, b) => a - b)[0]
    const source = next === undefined ? 'manual' : 'schedule'
    const start = { task: task.id, due_at: next ?? at, priority: task.priority, queue: task.queue, source } as const
    return await this.#future(start, {
      at,
      task,
      earliest: () => this.#options.forecaster().nextOf(task, next ?? null)
    })
  }

  /** Explains the run of a task that was unfinished at a past instant, else the newest run created before it. */
  async #taskThen (task: string, at: number): Promise<Explanation> {
    const { items } = await this.#options.engine.list({ task, to: at + 1, limit: MOST_RUNS })
    const found = items.findLast(({ finished_at: end }) => end === null || end > at) ?? items[0]
    const run = found && await this.#options.engine.get(found.id)
    return run
      ? this.#past(run, at)
      : withoutVerdict({ task, run: null, at, decision: 'hold', message: 'it had no run then', holds: [] })
  }

  /** Why a run waits now, or at another instant. */
  async run (run: FullRun, asked?: number): Promise<Explanation> {
    const now = this.#options.clock.now()
    return await this.#ofRun(run, asked ?? now, now)
  }

  // `now` is the instant of the request: time that passes while it is answered must not move `at` into the past.
  async #ofRun (read: FullRun, at: number, now: number): Promise<Explanation> {
    const run = this.#options.runner.active.hasBegun(read) ? await this.#options.engine.get(read.id) ?? read : read
    if (at < now || run.state !== 'queued') return this.#past(run, at)
    return await this.#future(run, { at, run, earliest: () => this.#options.forecaster().earliestOf(run) })
  }

  async #future (waiting: Waiting, { at, run, task, earliest }: Asked): Promise<Explanation> {
    const verdict = this.#options.runner.verdicts.of(waiting, at)
    const reason = verdict.gates.find(({ ok }) => !ok)
    return {
      task: waiting.task,
      run: run?.id ?? null,
      at,
      decision: verdict.decision,
      message: reason?.message ?? 'every gate is open',
      gates: verdict.gates.map(gate =>
        this.#explained(gate, {
          holds: run?.holds ?? [],
          task: waiting.task,
          source: task?.source ?? this.#sourceOf(waiting.task)
        })
      ),
      // The reasons are returned even when no forecast is possible.
      earliest: verdict.decision === 'start' ? { at, certain: true } : await earliest().catch(() => null),
      deadline: verdict.deadline && { at: verdict.deadline.at, on_deadline: verdict.deadline.on_deadline },
      class: verdict.class,
      relaxed: verdict.relaxed,
      advice: verdict.advice,
      recommendation: verdict.recommendation,
      holds: run?.holds ?? []
    }
  }

  #past (run: FullRun, at: number): Explanation {
    const [decision, message] = pastOf(run, at)
    return withoutVerdict({
      task: run.task,
      run: run.id,
      at,
      decision,
      message,
      holds: run.holds.filter(({ from }) => from <= at)
    })
  }

  #sourceOf (id: string): string {
    try {
      return this.#options.task(id).source
    } catch {
      return ''
    }
  }

  #explained (gate: GateAnswer, { holds, task, source }: { holds: Hold[], task: string, source: string }): Explained {
    const open = holds.at(-1)
    const since = !gate.ok && open?.to === null && open.code === gate.code ? open.from : null
    return { ...gate, since, place: this.#placeOf(gate.source, { task, file: source }) }
  }

  /** Where a requirement is written: in the configuration, or in the task file. */
  #placeOf (source: string, { task, file }: { task: string, file: string }): Place | null {
    const { placeOf } = this.#options
    if (source.startsWith('/')) return placeOf(source)
    if (!source.startsWith(DEFINITION)) return null
    const pointer = source.slice(DEFINITION.length)
    return placeOf(`/${sectionOf(file)}/${task}${pointer}`) ?? placeOf(`/tasks/${task}${pointer}`) ?? { file, pointer }
  }
}

const prerequisiteText = ({ run, ref, condition, state }: Prerequisite) =>
  `${ref === null ? '' : `#${ref}, `}run ${run}, which is ${state} and must be ${
    condition === 'done' ? 'finished' : condition
  }`

/** An explanation without a verdict. */
const withoutVerdict = (
  facts: Pick<Explanation, 'task' | 'run' | 'at' | 'decision' | 'message' | 'holds'>
): Explanation => ({
  ...facts,
  gates: [],
  earliest: null,
  deadline: null,
  class: null,
  relaxed: 0,
  advice: null,
  recommendation: null
})

/** The spans of the attempts of a run, oldest first; the end of a running attempt is `Infinity`. */
function attemptsOf ({ attempts, turn, started_at: from, finished_at: to }: FullRun): { from: number, to: number }[] {
  const earlier = attempts.map(({ started_at, finished_at }) => ({ from: started_at, to: finished_at }))
  return from === null || attempts.some(past => past.turn === turn)
    ? earlier
    : [...earlier, { from, to: to ?? Infinity }]
}

function pastOf (run: FullRun, at: number): [Explanation['decision'], string] {
  if (at < run.created_at) return ['hold', 'the run did not exist yet']
  const attempts = attemptsOf(run)
  if (attempts.some(({ from, to }) => from <= at && at < to)) return ['running', 'it was running']
  if (run.finished_at !== null && at >= run.finished_at && isFinal(run.state)) {
    return [run.state, run.reason?.message ?? run.error?.message ?? `it ${run.state}`]
  }
  const hold = run.holds.findLast(({ from, to }) => from <= at && at < (to ?? Infinity))
  if (hold) return ['hold', hold.message]
  if (run.state === 'blocked') {
    return ['hold', `waits for ${
      run.after.filter(({ state }) => !isFinal(state)).map(prerequisiteText).join(', and ')
    }`]
  }
  if (attempts.some(({ to }) => to <= at)) return ['hold', 'it waited for its retry']
  return at < run.due_at ? ['hold', 'it was not due'] : ['hold', 'it waited for its turn']
}
