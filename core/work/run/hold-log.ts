import { MINUTE } from '../../model/base/duration.ts'
import { failureOf } from '../../model/run/failure.ts'
import { firstReason } from '../../model/gates/evaluate.ts'
import type { Engine, HoldEntry } from '../../engine/engine.ts'
import type { GateAnswer, Judgement } from '../../model/gates/gate.ts'
import type { Judged } from '../../model/admit/offers.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'

/** What was last written of a cohort or a run. `since`: from when the code holds; `at`: when the message was written.
 *  `split`: it was written of the first runs of a cohort alone. */
interface Said {
  target: Target
  run: Pick<Run, 'id' | 'task'>
  code: string
  message: string
  since: number
  at: number
  split: boolean
}

type Target = Pick<HoldEntry, 'cohort' | 'id'>

/** What is to be noted under one key. `quiet`: nobody is told of it, for it is of no run that could be named. */
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

/** Another message for the same code is written once the one before is so old. */
const SAME_CODE = MINUTE

/** Gates of order whose reasons are written all the same: they are no mere matter of whose turn it is. */
const PACE = 'pace'
const WRITTEN = ['task_missing', 'breaker_trial', PACE, 'ups_ending']

/** Waiting for a slot is the queue's ordinary business: only what the machine, the calendar or a person says is written
 *  down. */
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

/** What is to be noted of a run that is judged by itself, or of a cohort: of all its runs, or of its first and of the
 *  rest apart. */
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

/** The reasons for which due runs are held, said once for each change: to their timelines, and to whoever listens. */
export class HoldLog {
  readonly #owner: string
  readonly #engine: Engine
  readonly #notice: Listener
  readonly #said = new Map<string, Said>()
  /** The run that came first of a cohort whose first runs are noted apart. */
  readonly #firsts = new Map<string, string>()
  #unwritten: HoldEntry[] = []
  #writing: Promise<void> | null = null
  /** What an earlier process has left open is closed by the first look. */
  #first = true

  constructor ({ owner, engine, notice }: { owner: string, engine: Engine, notice: Listener }) {
    this.#owner = owner
    this.#engine = engine
    this.#notice = notice
  }

  /** Notes the verdicts on all that is due, and that nothing holds what is not due any more. It is written soon
   *  after. */
  note (judged: readonly Judged[], now: number): void {
    const notes = judged.flatMap(notesOf)
    const keys = new Set(notes.map(({ key }) => key))
    for (const [key, said] of this.#said) {
      if (keys.has(key)) continue
      this.#said.delete(key)
      this.#write(said.target, { at: now, code: null, message: '' })
    }
    for (const key of this.#firsts.keys()) if (!keys.has(key)) this.#firsts.delete(key)
    for (const note of notes) this.#change(note, now)
    this.#first = false
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = null
    })
  }

  /** Since when a cohort or a run is held, epoch ms, or null; what only comes back bit by bit is held no more. */
  heldSince (one: Judged): number | null {
    const said = this.#said.get(keyOf(one))
    return said === undefined || said.code === PACE ? null : said.since
  }

  /** Resolves when everything that was noted is written. */
  async written (): Promise<void> {
    await this.#writing
  }

  #change ({ key, target, run, reason, split, quiet }: Note, at: number): void {
    const said = this.#said.get(key)
    // What was written of all its runs is taken back before its parts are written, and the other way round.
    if (said !== undefined && said.split !== split) this.#write(wholeOf(target), { at, code: null, message: '' })
    if (reason === null) {
      // The first of a split cohort may have been one of the rest before.
      const moved = split && !quiet && this.#firsts.get(key) !== run.id
      if (split && !quiet) this.#firsts.set(key, run.id)
      if (said === undefined && !this.#first && !moved) return
      this.#said.delete(key)
      this.#write(target, { at, code: null, message: '' })
      if (said !== undefined && !quiet) this.#notice({ kind: 'released', run: said.run })
      return
    }
    const { code, message } = reason
    const isSame = said?.code === code && said.split === split
    if (isSame && (said.message === message || at - said.at < SAME_CODE)) return
    this.#said.set(key, { target, run, code, message, since: said?.code === code ? said.since : at, at, split })
    this.#write(target, { at, code, message })
    if (said?.code !== code && !quiet) this.#notice({ kind: 'held', run, code, message })
  }

  #write (target: Target, entry: Pick<HoldEntry, 'at' | 'code' | 'message'>): void {
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
