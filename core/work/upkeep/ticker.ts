import { AsyncTask, SimpleIntervalJob, ToadScheduler } from 'toad-scheduler'
import type { Listener } from '../../model/notice.ts'
import type { Service } from '../../model/base/service.ts'
import { failureOf } from '../../model/run/failure.ts'

/** A timed loop: it starts work and owns its errors; it never overlaps itself. */
export interface Beat { name: string, everyMs: number, run: () => Promise<void> | void }

/** Every timed loop of the process. A beat's error becomes a notice and the beat goes on. */
export class Ticker implements Service {
  #scheduler: ToadScheduler | null = null
  readonly #beats: readonly Beat[]
  readonly #notice: Listener
  readonly #running = new Set<Promise<void>>()
  readonly #listeners = new Set<() => void>()

  constructor ({ beats, notice }: { beats: readonly Beat[], notice: Listener }) {
    this.#beats = beats
    this.#notice = notice
  }

  async start (): Promise<void> {
    if (this.#scheduler !== null) return
    const scheduler = this.#scheduler = new ToadScheduler()
    for (const beat of this.#beats) {
      const task = new AsyncTask(beat.name, () => this.#track(beat))
      scheduler.addSimpleIntervalJob(new SimpleIntervalJob({ milliseconds: beat.everyMs }, task, { id: beat.name, preventOverrun: true }))
    }
  }

  /** Calls back after every beat; the answer ends it. */
  onBeat (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Runs one beat now; resolves when it is done. */
  async beat (name: string): Promise<void> {
    const beat = this.#beats.find(candidate => candidate.name === name)
    if (beat) await this.#track(beat)
  }

  async stop (): Promise<void> {
    this.#scheduler?.stop()
    this.#scheduler = null
    // toad-scheduler does not wait for what it has started.
    await Promise.all(this.#running)
  }

  #track (beat: Beat): Promise<void> {
    const run = this.#run(beat).finally(() => this.#running.delete(run))
    this.#running.add(run)
    return run
  }

  async #run (beat: Beat): Promise<void> {
    try {
      await beat.run()
      for (const listener of this.#listeners) listener()
    } catch (error) {
      this.#notice({ kind: 'beat_failed', beat: beat.name, error: failureOf(error) })
    }
  }
}
