import { MINUTE } from '../../model/base/duration.ts'
import { failureOf } from '../../model/run/failure.ts'
import { firstReason } from '../../model/admit/evaluate.ts'
import { wordingOf } from '../../model/run/reason.ts'
import type { Engine, HoldEntry } from '../../engine/engine.ts'
import type { GateAnswer, Judgement } from '../../model/conditions/gate.ts'
import type { Judged } from '../../model/admit/offers.ts'
import type { Listener } from '../../model/notice.ts'
import type { Run } from '../../model/run/run.ts'

/** What was last written about a cohort or a run. `since`: when it was first held with this code; `at`: when the
 *  message was written. `split`: it is about the first runs of a cohort only. */
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

/** What is to be written under one key. `quiet`: no notice is sent, because there is no run to name. */
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

/** Other words for the same code are written when the last ones are this old. */
const SAME_CODE = MINUTE

/** Codes of order gates that are written nevertheless: they say more than whose turn it is. */
const PACE = 'pace'
const WRITTEN = ['task_missing', 'breaker_trial', PACE, 'ups_ending']

/** The reason to write, or null. Waiting for a slot is ordinary and is not written; what the machine, the calendar or a
 *  person causes is. */
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

/** What is to be written about a single run or a cohort: about all runs of the cohort, or about its first runs and the
 *  rest separately. */
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

/** Writes why due runs are held, once for each change: to the timelines of the runs and as notices. */
export class HoldLog {
  readonly #owner: string
  readonly #engine: Engine
  readonly #notice: Listener
  readonly #said = new Map<string, Said>()
  /** The first run of each cohort whose first runs are written separately. */
  readonly #firsts = new Map<string, string>()
  #unwritten: HoldEntry[] = []
  #writing: Promise<void> | null = null
  /** The first look closes what an earlier process has left open. */
  #first = true

  constructor ({ owner, engine, notice }: { owner: string, engine: Engine, notice: Listener }) {
    this.#owner = owner
    this.#engine = engine
    this.#notice = notice
  }

  /** Takes the verdicts on everything that is due; what is no longer due is no longer held. Written soon after. */
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

  /** When a cohort or a run was first held, epoch ms, or null when it is not held or only paced. */
  heldSince (one: Judged): number | null {
    const said = this.#said.get(keyOf(one))
    return said === undefined || said.code === PACE ? null : said.since
  }

  /** Resolves when everything noted is written. */
  async written (): Promise<void> {
    await this.#writing
  }

  #change ({ key, target, run, reason, split, quiet }: Note, at: number): void {
    const said = this.#said.get(key)
    // An entry for the whole cohort is closed before entries for its parts are written, and vice versa.
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
    if (isSame && (wordingOf(said.message) === wordingOf(message) || at - said.at < SAME_CODE)) return
    this.#said.set(key, { target, run, code, message, since: said?.code === code ? said.since : at, at, split })
    this.#write(target, { at, code, message })
    if (said?.code !== code && !quiet) this.#notice({ kind: 'held', run, code, message })
  }

  #write (target: Target, entry: Pick<HoldEntry, 'at' | 'code' | 'message'>): void {
    this.#unwritten.push({ owner: this.#owner, ...target, ...entry })
  }

  /** Writes the entries in order. What the engine refuses is kept for the next time. */
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
