import { AsyncTask, SimpleIntervalJob, ToadScheduler } from 'toad-scheduler'
import { Lifecycle } from '../../model/base/service.ts'
import { Listeners } from '../../model/base/listeners.ts'
import { failureOf } from '../../model/run/failure.ts'
import type { Listener } from '../../model/notice.ts'
import type { ListenerFault } from '../../model/base/listeners.ts'
import type { Service } from '../../model/base/service.ts'

/** A timed loop. Its runs never overlap. */
export interface Beat {
  name: string
  everyMs: number
  run: () => Promise<void> | void
}

interface TickerOptions {
  beats: readonly Beat[]
  notice: Listener
  /** Called when a listener throws. The other listeners are still called. */
  failed?: (fault: ListenerFault) => void
}

/** Runs the timed loops of the process. The error of a beat becomes a notice, and the beat continues. */
export class Ticker implements Service {
  #scheduler: ToadScheduler | null = null
  readonly #beats: readonly Beat[]
  readonly #notice: Listener
  readonly #running = new Set<Promise<void>>()
  readonly #listeners: Listeners<[]>
  readonly #life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })

  constructor ({ beats, notice, failed = () => undefined }: TickerOptions) {
    this.#beats = beats
    this.#notice = notice
    this.#listeners = new Listeners(failed)
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }

  get isTicking (): boolean {
    return this.#scheduler !== null
  }

  /** Calls a listener after every beat; returns an unsubscribe function. */
  onBeat (listener: () => unknown, name?: string): () => void {
    return this.#listeners.add(listener, name)
  }

  /** Runs one beat now; resolves when it is done. */
  async beat (name: string): Promise<void> {
    const beat = this.#beats.find(candidate => candidate.name === name)
    if (beat) await this.#track(beat)
  }

  #start (): void {
    const scheduler = this.#scheduler = new ToadScheduler()
    for (const beat of this.#beats) {
      const task = new AsyncTask(beat.name, () => this.#track(beat))
      scheduler.addSimpleIntervalJob(
        new SimpleIntervalJob({ milliseconds: beat.everyMs }, task, { id: beat.name, preventOverrun: true })
      )
    }
  }

  async #stop (): Promise<void> {
    this.#scheduler?.stop()
    this.#scheduler = null
    // toad-scheduler does not wait for running jobs.
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
    } catch (error) {
      this.#notice({ kind: 'beat_failed', beat: beat.name, error: failureOf(error) })
      return
    }
    this.#listeners.call()
  }
}
