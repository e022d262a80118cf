import { firstReason } from '../../model/gates/evaluate.ts'
import type { Engine, HoldEntry } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'
import type { Verdict } from '../../model/gates/gate.ts'

interface Told { id: string, code: string }

/** The reasons for which the foremost runs are held, told once for each change: to the run's own timeline and to whoever listens. */
export class Holds {
  readonly #engine: Engine
  readonly #notice: Listener
  /** By task: the run that is held and what was said of it. */
  readonly #told = new Map<string, Told>()

  constructor ({ engine, notice }: { engine: Engine, notice: Listener }) {
    this.#engine = engine
    this.#notice = notice
  }

  /** Notes the verdicts on the first due run of each task; resolves when the changes are durable. */
  async note (heads: readonly { run: Run, verdict: Verdict }[], now: number): Promise<void> {
    const entries = heads.flatMap(({ run, verdict }) => this.#entryFor(run, verdict, now))
    if (entries.length > 0) await this.#engine.hold(entries)
  }

  /** Forgets what was said of a run that has started or ended. */
  forget ({ task, id }: Pick<Run, 'task' | 'id'>): void {
    if (this.#told.get(task)?.id === id) this.#told.delete(task)
  }

  #entryFor (run: Run, verdict: Verdict, at: number): HoldEntry[] {
    const reason = reasonFor(verdict)
    const told = this.#told.get(run.task)
    const known = told?.id === run.id ? told.code : null
    if (known === (reason?.code ?? null)) return []
    if (reason === null) {
      this.#told.delete(run.task)
      this.#notice({ kind: 'released', run: { id: run.id, task: run.task } })
      return [{ id: run.id, at, code: null, message: '' }]
    }
    this.#told.set(run.task, { id: run.id, code: reason.code })
    this.#notice({ kind: 'held', run: { id: run.id, task: run.task }, code: reason.code, message: reason.message })
    return [{ id: run.id, at, code: reason.code, message: reason.message }]
  }
}

/** What is no matter of order although its gate is. */
const TOLD = ['task_missing', 'breaker_trial']

/** Waiting for a slot is the queue's ordinary business: only what the machine, the calendar or a person says is written down. */
function reasonFor (verdict: Verdict) {
  if (verdict.decision !== 'hold') return null
  const reason = firstReason(verdict)
  return reason && (reason.kind !== 'order' || TOLD.includes(reason.code)) ? reason : null
}
