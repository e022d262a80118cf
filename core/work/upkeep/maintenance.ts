import { DAY, milliseconds, spanWords } from '../../model/base/duration.ts'
import { endOrphan } from '../isolate/process-group.ts'
import { forgetRequests } from '../desk/requests.ts'
import { forgetUploads } from '../desk/uploads.ts'
import { readNote, removeNote } from '../watch/note.ts'
import type { Blame } from '../../model/run/suspicion.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Config } from '../../model/config/config.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Listener } from '../../model/notice.ts'
import type { LoopNote } from '../watch/note.ts'

export interface UpkeepOptions { engine: Engine, clock: Clock, notice: Listener, config: () => Config, folder: () => string, owner: string }

/** What the last process has left of its event loop, which stood when it ended. */
function blameIn (folder: string): Blame | null {
  const note = readNote(folder)
  return note && { owner: note.owner, runs: note.runs.map(({ id }) => id), ended: note.ended, words: noteWords(note) }
}

const noteWords = ({ ms, where }: LoopNote) => `it held the event loop for ${spanWords(ms)}${where === null ? '' : ` at ${where}`}`

const SLICE = 100
const MOST_RUNNING = 1000

/** What keeps the store in order: runs of dead processes at the start, old ones all along. */
export class Upkeep {
  readonly #options: UpkeepOptions
  #lastSweepAt = 0

  constructor (options: UpkeepOptions) {
    this.#options = options
  }

  /** Puts back what owners had running that are no more, their children ended first; resolves to how many. */
  async recover (): Promise<number> {
    const { engine, clock, config, owner, folder } = this.#options
    const running = await engine.list({ state: ['running'], limit: MOST_RUNNING })
    const now = clock.now()
    const over = running.items.filter(run => run.owner !== owner && (run.lease_until === null || run.lease_until <= now))
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

  /** Removes finished runs beyond the retention, a slice at a time; resolves to how many. */
  async sweep (): Promise<number> {
    const { engine, clock, config, notice } = this.#options
    const { max_age: age, max_runs: keep, dead_max_age: dead } = config().retention
    let removed = 0
    for (let count = SLICE; count === SLICE; removed += count) {
      const now = clock.now()
      count = await engine.sweep({ now, before: now - milliseconds(age), dead_before: now - milliseconds(dead), keep, limit: SLICE })
    }
    if (removed > 0) notice({ kind: 'swept', removed })
    return removed
  }

  async sweepWhenDue (): Promise<void> {
    const { clock, config, folder } = this.#options
    const every = Math.min(milliseconds(config().retention.every), DAY)
    // A clock that was set back has not swept lately.
    if (Math.abs(clock.now() - this.#lastSweepAt) < every) return
    this.#lastSweepAt = clock.now()
    const now = clock.now()
    await forgetUploads(folder(), now - milliseconds(config().uploads.max_age))
    await forgetRequests(this.#options.engine, { before: now - milliseconds(config().retention.max_age), now })
    await this.sweep()
  }
}
