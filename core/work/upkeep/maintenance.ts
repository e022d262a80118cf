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

/** The runs to blame for the end of the last process, when its event loop was blocked; else null. */
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

/** True when a run waits for a retry and its last attempt lies in the future. */
const isAhead = ({ attempt, started_at: started, due_at: due }: Run, now: number): boolean =>
  attempt > 0 && started !== null && started > now + CLOCK_SLACK && due > now

/** Maintains the store: recovers runs of dead processes and removes old rows. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #lastSweepAt = 0
  /** How far the wall clock is trusted, and the monotonic time of its last reading. */
  #standing: ClockTrust | null = null
  #counted: number | null = null
  #isKept = false

  constructor (options: UpkeepOptions) {
    this.#options = options
  }

  /** Queues the running runs of owners whose lease has expired again, after killing their processes. Resolves to the
   *  number of queued runs. */
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

  /** Renews the lease of this process, and recovers the runs of owners whose lease has expired. */
  async beat (renew: () => Promise<void>): Promise<void> {
    await renew()
    await this.recover()
  }

  /** The instant from which the age of rows is counted, epoch ms; see `clockTrust`. */
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

  /** Reads how far the clock was trusted before this start. When it was set back since, retries are brought forward. */
  async load (): Promise<void> {
    const [fact] = await this.#options.engine.kept({ prefix: FACT })
    const { until = null, from = null, at } = (fact?.value ?? {}) as Partial<ClockTrust>
    if (typeof at !== 'number') return
    this.#standing = { until: instantOr(until), from: instantOr(from), at }
    if (at > this.#options.clock.now() + CLOCK_SLACK) await this.bringBack()
    // While no process ran, a step of the clock cannot be distinguished from the passing of time.
    if (this.#options.clock.now() - at > HOUR) this.#options.steps?.doubt()
  }

  async #keepStanding (): Promise<void> {
    const { engine, clock } = this.#options
    this.sureBy()
    this.#isKept = true
    await engine.keep({ name: FACT, value: this.#standing as unknown as Json, now: clock.now() })
  }

  /** Brings retries forward that a clock set back since the last attempt would delay. Resolves to the number of changed
   *  runs. */
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

  /** Removes finished runs beyond the retention, in slices. Resolves to the number of removed runs. */
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
    // After the clock was set back, the last sweep may lie in the future.
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
