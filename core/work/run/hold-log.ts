import { MINUTE } from '../../model/base/duration.ts'
import { failureOf } from '../../model/run/failure.ts'
import { firstReason } from '../../model/admit/evaluate.ts'
import { wordingOf } from '../../model/run/reason.ts'
import type { Engine, HoldEntry } from '../../engine/engine.ts'
import type { GateAnswer, Judgement } from '../../model/conditions/gate.ts'
import type { Judged } from '../../model/admit/judged.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'

/** The last entry for a cohort or a run. `since`: when it was first held with this code, `at`: when the message was
 *  written, epoch ms. `split`: the entry covers only part of a cohort. */
interface Written {
  target: Target
  run: Pick<Run, 'id' | 'task'>
  code: string
  message: string
  since: number
  at: number
  split: boolean
}

type Target = Pick<HoldEntry, 'cohort' | 'id'>

/** The state to write under a key. `quiet`: no notice is sent, because no single run is concerned. */
interface Note {
  key: string
  target: Target
  run: Pick<Run, 'id' | 'task'>
  reason: GateAnswer | null
  split: boolean
  quiet: boolean
}

const FIRST = Number.MIN_SAFE_INTEGER
const LAST = Number.MAX_SAFE_INTEGER

/** A changed message with an unchanged code is written when the last message is this old, ms. */
const SAME_CODE = MINUTE

/** Codes of order gates that are written nevertheless, because they explain more than the order of runs. */
const PACE = 'pace'
const WRITTEN = ['task_missing', 'breaker_trial', PACE, 'ups_ending']

/** The reason to write, or null. Reasons that the machine, the calendar or a person causes are written; waiting for a
 *  slot is not. */
function reasonFor (judgement: Judgement): GateAnswer | null {
  if (judgement.decision !== 'hold') return null
  const reason = firstReason(judgement)
  const isOrder = reason?.kind === 'order' || reason?.kind === 'share'
  return isOrder && !WRITTEN.includes(reason!.code) ? null : reason
}

const keyOf = ({ run, cohort }: Judged): string =>
  cohort === null ? run.id : `${run.task} ${run.queue} ${run.priority} ${cohort.span} ${cohort.scheduled}`

const wholeOf = (target: Target): Target =>
  target.cohort ? { cohort: { ...target.cohort, from: FIRST, until: LAST } } : target

/** The notes on a single run or a cohort: one for all runs of the cohort, or one for its first runs and one for the
 *  rest. */
function notesOf (one: Judged): Note[] {
  const { run: { id, task: name }, cohort, rest } = one
  const shared = { run: { id, task: name }, reason: reasonFor(one.judgement), split: rest !== undefined, quiet: false }
  const key = keyOf(one)
  if (cohort === null) return [{ ...shared, key, target: { id } }]
  const { task, queue, priority, span, scheduled } = cohort
  const within = (from: number, until: number): Target => ({
    cohort: { task, queue, priority, span, scheduled, from, until }
  })
  if (rest === undefined) return [{ ...shared, key, target: within(FIRST, LAST) }]
  return [
    { ...shared, key, target: within(FIRST, rest.from - 1) },
    { ...shared, key: `${key} rest`, target: within(rest.from, LAST), reason: reasonFor(rest.judgement), quiet: true }
  ]
}

/** Records why due runs are held, in the timelines of the runs and as notices, once for each change. */
export class HoldLog {
  readonly #owner: string
  readonly #engine: Engine
  readonly #notice: Listener
  readonly #written = new Map<string, Written>()
  /** The first run of each cohort whose first runs have a separate entry. */
  readonly #firsts = new Map<string, string>()
  #unwritten: HoldEntry[] = []
  #writing: Promise<void> | null = null
  /** True until the first look, which closes the entries that an earlier process left open. */
  #first = true

  constructor ({ owner, engine, notice }: { owner: string, engine: Engine, notice: Listener }) {
    this.#owner = owner
    this.#engine = engine
    this.#notice = notice
  }

  /** Accepts the verdicts on all due runs, and closes the entries of runs that are no longer due. Entries are written
   *  asynchronously. */
  note (judged: readonly Judged[], now: number): void {
    const notes = judged.flatMap(notesOf)
    const keys = new Set(notes.map(({ key }) => key))
    for (const [key, last] of this.#written) {
      if (keys.has(key)) continue
      this.#written.delete(key)
      this.#write(last.target, { at: now, code: null, message: '' })
    }
    for (const key of this.#firsts.keys()) if (!keys.has(key)) this.#firsts.delete(key)
    for (const note of notes) this.#change(note, now)
    this.#first = false
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = null
    })
  }

  /** When a cohort or a run was first held, epoch ms; null when it is not held, or held only by its pace. */
  heldSince (one: Judged): number | null {
    const last = this.#written.get(keyOf(one))
    return last === undefined || last.code === PACE ? null : last.since
  }

  /** Resolves when everything noted is written. */
  async written (): Promise<void> {
    await this.#writing
  }

  #change ({ key, target, run, reason, split, quiet }: Note, at: number): void {
    const last = this.#written.get(key)
    // An entry for the whole cohort is closed before entries for its parts are written, and vice versa.
    if (last !== undefined && last.split !== split) this.#write(wholeOf(target), { at, code: null, message: '' })
    if (reason === null) {
      // The first run of a split cohort may have been among the rest before.
      const moved = split && !quiet && this.#firsts.get(key) !== run.id
      if (split && !quiet) this.#firsts.set(key, run.id)
      if (last === undefined && !this.#first && !moved) return
      this.#written.delete(key)
      this.#write(target, { at, code: null, message: '' })
      if (last !== undefined && !quiet) this.#notice({ kind: 'released', run: last.run })
      return
    }
    const { code, message } = reason
    const isSame = last?.code === code && last.split === split
    if (isSame && (wordingOf(last.message) === wordingOf(message) || at - last.at < SAME_CODE)) return
    this.#written.set(key, { target, run, code, message, since: last?.code === code ? last.since : at, at, split })
    this.#write(target, { at, code, message })
    if (last?.code !== code && !quiet) this.#notice({ kind: 'held', run, code, message })
  }

  #write (target: Target, entry: Pick<HoldEntry, 'at' | 'code' | 'message'>): void {
    this.#unwritten.push({ owner: this.#owner, ...target, ...entry })
  }

  /** Writes the entries in order. Entries that the engine refuses are kept and written with the next ones. */
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
