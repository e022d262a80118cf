import { CLOCK_SLACK } from '../../model/base/clock.ts'
import { DAY, HOUR, milliseconds, spanWords } from '../../model/base/duration.ts'
import { endOrphan } from '../isolate/processes/process-group.ts'
import { forgetRequests } from '../desk/request/keyed-request.ts'
import { forgetUploads } from '../desk/uploads.ts'
import { readNote, removeNote } from '../watch/loop-note.ts'
import { clockTrust, sureBy } from './clock-trust.ts'
import type { Blame } from '../../model/run/crash-suspect.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { ClockSteps } from '../conditions/clock-steps.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Json } from '../../model/json/json.ts'
import type { Listener } from '../../model/notice.ts'
import type { LoopNote } from '../watch/loop-note.ts'
import type { Run } from '../../model/run/run.ts'
import type { ClockTrust } from './clock-trust.ts'

interface UpkeepOptions {
  engine: Engine
  clock: Clock
  notice: Listener
  config: () => Config
  folder: () => string
  owner: string
  steps?: ClockSteps
}

/** The note of the last process, whose event loop was blocked when it ended. */
function blameIn (folder: string): Blame | null {
  const note = readNote(folder)
  return note && { owner: note.owner, runs: note.runs.map(({ id }) => id), ended: note.ended, words: noteWords(note) }
}

const noteWords = ({ ms, where }: LoopNote) =>
  `it blocked the event loop for ${spanWords(ms)}${where === null ? '' : ` at ${where}`}`

const SLICE = 100
const MOST_RUNNING = 1000
const FACT = 'clock'
const PAGE = 500
const MOST_PAGES = 400

const instantOr = (value: unknown): number | null => typeof value === 'number' && Number.isFinite(value) ? value : null

/** True of a run that waits for another attempt since an instant that is yet to come. */
const isAhead = ({ attempt, started_at: started, due_at: due }: Run, now: number): boolean =>
  attempt > 0 && started !== null && started > now + CLOCK_SLACK && due > now

/** What keeps the store in order: runs of dead processes at the start, old ones all along. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #lastSweepAt = 0
  /** How far the clock can be believed, and what had been counted when it was last asked. */
  #standing: ClockTrust | null = null
  #counted: number | null = null
  #isKept = false

  constructor (options: UpkeepOptions) {
    this.#options = options
  }

  /** Puts back what owners had running that are no more, their children ended first; resolves to how many. */
  async recover (): Promise<number> {
    const { engine, clock, config, owner, folder } = this.#options
    const running = await engine.list({ state: ['running'], limit: MOST_RUNNING })
    const now = clock.now()
    const over = running.items.filter(run =>
      run.owner !== owner && (run.lease_until === null || run.lease_until <= now)
    )
    for (const { id, child } of over) if (child) await endOrphan(child, id)
    const { auto_restart_tasks: again, crash_cap: cap } = config().manager
    const blame = over.length > 0 ? blameIn(folder()) : null
    const { queued } = await engine.expire({ now, restart: again ? 'restart' : 'fail', crash_cap: cap, blame })
    if (blame !== null && over.some(run => run.owner === blame.owner)) removeNote(folder())
    return queued.length
  }

  /** Renews what this process has, and takes up what owners had that are no more. */
  async beat (renew: () => Promise<void>): Promise<void> {
    await renew()
    await this.recover()
  }

  /** The instant up to which rows may be removed for their age: only by a clock that is confirmed. */
  sureBy (): number {
    const { clock } = this.#options
    const counted = clock.monotonic()
    const before = this.#standing
    const next = this.#standing = clockTrust(before, clock.now(),
      this.#counted === null ? 0 : Math.floor(counted - this.#counted))
    this.#counted = (this.#counted ?? counted) + Math.floor(counted - (this.#counted ?? counted))
    if (before?.from !== next.from || (before.until === null) !== (next.until === null)) this.#isKept = false
    return sureBy(next)
  }

  /** Reads how far the clock was believed before this start. What a clock had planned that was set back since is
   *  planned again. */
  async load (): Promise<void> {
    const [fact] = await this.#options.engine.kept({ prefix: FACT })
    const { until = null, from = null, at } = (fact?.value ?? {}) as Partial<ClockTrust>
    if (typeof at !== 'number') return
    this.#standing = { until: instantOr(until), from: instantOr(from), at }
    if (at > this.#options.clock.now() + CLOCK_SLACK) await this.bringBack()
    // A step of the clock while no process ran cannot be told from the time that passed.
    if (this.#options.clock.now() - at > HOUR) this.#options.steps?.doubt()
  }

  async #keepStanding (): Promise<void> {
    const { engine, clock } = this.#options
    this.sureBy()
    this.#isKept = true
    await engine.keep({ name: FACT, value: this.#standing as unknown as Json, now: clock.now() })
  }

  /** Lets no run wait longer for its next attempt than it would have, had the clock not been set back since the last;
   *  resolves to how many. */
  async bringBack (): Promise<number> {
    const { engine, clock } = this.#options
    let [count, cursor]: [number, string | undefined] = [0, undefined]
    for (let page = 0; page < MOST_PAGES; page++) {
      const { items, next } = await engine.list({
        state: ['queued'],
        limit: PAGE,
        ...cursor !== undefined && { cursor }
      })
      const now = clock.now()
      for (const run of items.filter(one => isAhead(one, now))) {
        const due_at = Math.max(now, run.due_at - (run.started_at! - now))
        const detail = { task: run.task, from: run.due_at, to: due_at }
        await engine.edit({
          id: run.id,
          now,
          by: 'offpeak',
          due_at,
          record: { by: 'offpeak', action: 'clock_set_back', detail }
        })
        count += 1
      }
      if (next === null) break
      cursor = next
    }
    return count
  }

  /** Removes finished runs beyond the retention, a slice at a time; resolves to how many. */
  async sweep (): Promise<number> {
    const { engine, config, notice } = this.#options
    const { max_age: age, max_runs: keep, dead_max_age: dead } = config().retention
    let removed = 0
    for (let count = SLICE; count === SLICE; removed += count) {
      const now = this.sureBy()
      count = await engine.sweep({
        now,
        before: now - milliseconds(age),
        dead_before: now - milliseconds(dead),
        keep,
        limit: SLICE
      })
    }
    if (removed > 0) notice({ kind: 'swept', removed })
    return removed
  }

  async sweepWhenDue (): Promise<void> {
    const { clock, config, folder } = this.#options
    const every = Math.min(milliseconds(config().retention.every), DAY)
    this.sureBy()
    if (!this.#isKept) await this.#keepStanding()
    // A clock that was set back has not swept lately.
    if (Math.abs(clock.now() - this.#lastSweepAt) < every) return
    this.#lastSweepAt = clock.now()
    await this.#keepStanding()
    const now = this.sureBy()
    await forgetUploads(folder(), now - milliseconds(config().uploads.max_age))
    await forgetRequests(this.#options.engine, {
      before: now - milliseconds(config().retention.max_age),
      now: clock.now()
    })
    await this.sweep()
  }
}
