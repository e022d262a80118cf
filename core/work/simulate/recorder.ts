import { MINUTE } from '../../model/base/duration.ts'
import { isFinal } from '../../model/run/run.ts'
import { wordingOf } from '../../model/run/reason.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Hold, Run, Source, State } from '../../model/run/run.ts'
import type { Notice } from '../../model/notice.ts'
import type { OutcomeKind } from '../../model/run/outcome.ts'

/** One execution. `finished_at` and `outcome`: null while it is running. An interrupted one has the outcome
 *  `postponed`. */
export interface Spell {
  started_at: number
  finished_at: number | null
  outcome: OutcomeKind | null
  reason: string | null
}

export type SimulatedHold = Omit<Hold, 'owner'>

/** The history of one run. Instants are epoch ms. */
export interface SimulatedRun {
  id: string
  task: string
  source: Source
  /** The schedule that fired it, or null. */
  schedule: string | null
  nominal_at: number
  due_at: number
  /** The number of missed fires that it replaces. */
  missed: number
  /** Why it waited. `to`: null while it still waits. */
  held: SimulatedHold[]
  /** Its executions, oldest first. */
  spells: Spell[]
  started_at: number | null
  finished_at: number | null
  /** Its state at the end of the simulation. */
  outcome: State
  /** Why it ended without success, or was moved from its nominal instant. */
  reason: string | null
}

/** How long the runs of a task were held for one reason, ms. */
export interface HeldSum {
  task: string
  code: string
  message: string
  ms: number
  runs: number
}

/** Records the history of every run from engine calls and notices. */
export class Recorder {
  readonly #clock: Clock
  readonly #pages = new Map<string, SimulatedRun>()
  /** For each schedule, the waiting run that absorbs further fires. */
  readonly #waiting = new Map<string, SimulatedRun>()

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Wraps an engine to record its plans: there are no notices for runs that are skipped at once, nor for fires that a
   *  waiting run absorbs. */
  reading (engine: Engine): Engine {
    return {
      ...engine,
      add: async (runs, now) => {
        const added = await engine.add(runs, now)
        for (const { run, created } of added) if (created) this.#begin(run)
        return added
      },
      plan: async asks => {
        const planned = await engine.plan(asks)
        for (const [index, { added, skipped, coalesced }] of planned.entries()) {
          const { id } = asks[index]!.schedule
          const waiting = this.#waiting.get(id)
          if (waiting !== undefined) waiting.missed += coalesced
          for (const run of [...added, ...skipped]) this.#begin(run)
        }
        return planned
      }
    }
  }

  readonly notice = (notice: Notice): void => {
    const page = 'run' in notice ? this.#pages.get(notice.run.id) : undefined
    if (page === undefined) return
    const at = this.#clock.now()
    if (notice.kind === 'claimed') {
      close(page, at)
      page.spells.push({ started_at: at, finished_at: null, outcome: null, reason: null })
      page.started_at ??= at
      this.#state(page, notice.run)
    }
    if (notice.kind === 'held') hold(page, { code: notice.code, message: notice.message, from: at, to: null })
    if (notice.kind === 'released') close(page, at)
    if (notice.kind === 'settled' || notice.kind === 'cancelled') {
      const spell = page.spells.at(-1)
      const running = notice.run.state === 'running'
      if (spell?.finished_at === null && !running) {
        Object.assign(spell, {
          finished_at: at,
          outcome: notice.kind === 'settled' ? notice.outcome : 'cancelled',
          reason: reasonOf(notice.run)
        })
      }
      this.#state(page, notice.run)
    }
  }

  /** Every run, ordered by nominal instant. */
  runs (): SimulatedRun[] {
    return [...this.#pages.values()].toSorted((a, b) => a.nominal_at - b.nominal_at || (a.task < b.task ? -1 : 1))
  }

  /** The time held up to `to`, by task and reason, longest first. */
  held (to: number): HeldSum[] {
    const sums = new Map<string, HeldSum>()
    for (const { task, held } of this.#pages.values()) {
      const seen = new Set<string>()
      for (const { code, message, from, to: end } of held) {
        const sum = sums.getOrInsert(`${task} ${code}`, { task, code, message, ms: 0, runs: 0 })
        sum.ms += (end ?? to) - from
        if (!seen.has(code)) sum.runs++
        seen.add(code)
      }
    }
    return [...sums.values()].toSorted((a, b) => b.ms - a.ms)
  }

  #begin (run: Run): void {
    const { id, task, source, schedule, nominal_at: nominal, due_at: due, missed, moved } = run
    const page: SimulatedRun = {
      id,
      task,
      source,
      schedule,
      nominal_at: nominal,
      due_at: due,
      missed,
      held: [],
      spells: [],
      started_at: null,
      finished_at: null,
      outcome: run.state,
      reason: moved?.message ?? null
    }
    this.#pages.set(id, page)
    this.#state(page, run)
    if (run.schedule !== null && run.state === 'queued') this.#waiting.set(run.schedule, page)
  }

  #state (page: SimulatedRun, run: Run): void {
    page.outcome = run.state
    page.missed = run.missed
    const { schedule } = run
    const isOver = run.state !== 'queued' && schedule !== null && this.#waiting.get(schedule) === page
    if (isOver) this.#waiting.delete(schedule)
    if (!isFinal(run.state)) return
    close(page, this.#clock.now())
    page.finished_at = run.finished_at
    page.reason = reasonOf(run) ?? page.reason
  }
}

const reasonOf = ({ reason, error }: Run): string | null => reason?.message ?? error?.message ?? null

function close ({ held }: SimulatedRun, at: number): void {
  const open = held.at(-1)
  if (open?.to === null) open.to = at
}

/** A changed message with the same code starts a new entry when the open one is a minute old, as in the timeline of the
 *  engine. */
function hold (page: SimulatedRun, next: SimulatedHold): void {
  const open = page.held.at(-1)
  if (open?.to === null && open.code === next.code) {
    if (wordingOf(open.message) === wordingOf(next.message) || next.from - open.from < MINUTE) return
  }
  close(page, next.from)
  page.held.push(next)
}
