import { MINUTE } from '../../model/base/duration.ts'
import { failureOf } from '../../model/run/failure.ts'
import { firstReason } from '../../model/gates/evaluate.ts'
import type { Engine, HoldEntry } from '../../engine/engine.ts'
import type { GateAnswer } from '../../model/gates/gate.ts'
import type { Judged } from '../../model/admit/offers.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'

/** What was last written of a cohort or a run. `since`: from when the code holds; `at`: when the message was written. */
interface Said { target: Pick<HoldEntry, 'cohort' | 'id'>, run: Pick<Run, 'id' | 'task'>, code: string, message: string, since: number, at: number }

const ALL = { from: Number.MIN_SAFE_INTEGER, until: Number.MAX_SAFE_INTEGER }

/** Another message for the same code is written once the one before is so old. */
const SAME_CODE = MINUTE

/** Gates of order whose reasons are written all the same: they are no mere matter of whose turn it is. */
const WRITTEN = ['task_missing', 'breaker_trial', 'pace', 'ups_ending']

/** Waiting for a slot is the queue's ordinary business: only what the machine, the calendar or a person says is written down. */
function reasonFor ({ judgement }: Judged): GateAnswer | null {
  if (judgement.decision !== 'hold') return null
  const reason = firstReason(judgement)
  const isOrder = reason?.kind === 'order' || reason?.kind === 'share'
  return isOrder && !WRITTEN.includes(reason!.code) ? null : reason
}

function targetOf ({ run, cohort }: Judged): [key: string, target: Said['target']] {
  if (cohort === null) return [run.id, { id: run.id }]
  const { task, queue, priority, span, scheduled } = cohort
  return [`${task} ${queue} ${priority} ${span} ${scheduled}`, { cohort: { task, queue, priority, span, scheduled, ...ALL } }]
}

/** The reasons for which due runs are held, said once for each change: to their timelines, and to whoever listens. */
export class HoldLog {
  readonly #owner: string
  readonly #engine: Engine
  readonly #notice: Listener
  readonly #said = new Map<string, Said>()
  #unwritten: HoldEntry[] = []
  #writing: Promise<void> | null = null
  /** What an earlier process has left open is closed by the first look. */
  #first = true

  constructor ({ owner, engine, notice }: { owner: string, engine: Engine, notice: Listener }) {
    this.#owner = owner
    this.#engine = engine
    this.#notice = notice
  }

  /** Notes the verdicts on all that is due, and that nothing holds what is not due any more. It is written soon after. */
  note (judged: readonly Judged[], now: number): void {
    const seen = new Set<string>()
    for (const one of judged) {
      const [key, target] = targetOf(one)
      seen.add(key)
      this.#change(key, { one, target, now })
    }
    for (const [key, said] of this.#said) {
      if (seen.has(key)) continue
      this.#said.delete(key)
      this.#write(said.target, { at: now, code: null, message: '' })
    }
    this.#first = false
    this.#writing ??= this.#flush().finally(() => { this.#writing = null })
  }

  /** Since when a cohort or a run is held, epoch ms, or null. */
  heldSince (one: Judged): number | null {
    return this.#said.get(targetOf(one)[0])?.since ?? null
  }

  /** Resolves when everything that was noted is written. */
  async written (): Promise<void> {
    await this.#writing
  }

  #change (key: string, { one, target, now: at }: { one: Judged, target: Said['target'], now: number }): void {
    const reason = reasonFor(one)
    const said = this.#said.get(key)
    if (reason === null) {
      if (said === undefined && !this.#first) return
      this.#said.delete(key)
      this.#write(target, { at, code: null, message: '' })
      if (said !== undefined) this.#notice({ kind: 'released', run: said.run })
      return
    }
    const { code, message } = reason
    if (said?.code === code && (said.message === message || at - said.at < SAME_CODE)) return
    const run = { id: one.run.id, task: one.run.task }
    this.#said.set(key, { target, run, code, message, since: said?.code === code ? said.since : at, at })
    this.#write(target, { at, code, message })
    if (said?.code !== code) this.#notice({ kind: 'held', run, code, message })
  }

  #write (target: Said['target'], entry: Pick<HoldEntry, 'at' | 'code' | 'message'>): void {
    this.#unwritten.push({ owner: this.#owner, ...target, ...entry })
  }

  /** Writes what waits. What the engine cannot take is kept for the next time, in order. */
  async #flush (): Promise<void> {
    while (this.#unwritten.length > 0) {
      const entries = this.#unwritten
      this.#unwritten = []
      try {
        await this.#engine.hold(entries)
      } catch (error) {
        this.#unwritten = [...entries, ...this.#unwritten].slice(-10_000)
        return this.#notice({ kind: 'engine_failed', call: 'hold', error: failureOf(error) })
      }
    }
  }
}
