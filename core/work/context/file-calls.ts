import { createHook } from 'node:async_hooks'
import { Lifecycle } from '../../model/base/service.ts'
import { runScope } from './scope.ts'
import type { Service, ServiceState } from '../../model/base/service.ts'

/** A file system call that has not returned. `run`: null for a call of offpeak itself. `ms`: its duration so far. */
export interface OpenCall {
  run: string | null
  task: string | null
  ms: number
}

interface Begun {
  run: string | null
  task: string | null
  at: number
}

/** True for calls that wait for a thread of the pool or occupy one. */
const isFileCall = (type: string) => type.startsWith('FSREQ')

/** Tracks pending file system calls and the runs that made them. When a file system does not respond, each call
 *  occupies a thread of the shared pool that cannot be freed. */
export class FileCalls implements Service {
  readonly #now: () => number
  readonly #open = new Map<number, Begun>()
  readonly #elsewhere = new Map<string, Begun>()
  readonly #hook = createHook({
    init: (id, type) => {
      if (!isFileCall(type)) return
      const scope = runScope.getStore()
      this.#open.set(id, { run: scope?.id ?? null, task: scope?.task ?? null, at: this.#now() })
    },
    destroy: id => void this.#open.delete(id),
    // Promises are not tracked, because tracking slows each of them down.
    trackPromises: false
  } as Parameters<typeof createHook>[0])

  readonly #life = new Lifecycle({
    start: () => {
      this.#open.clear()
      this.#hook.enable()
    },
    stop: () => void this.#hook.disable()
  })
  #users = 0

  constructor (now = () => performance.now()) {
    this.#now = now
  }

  get state (): ServiceState {
    return this.#life.state
  }

  start (): Promise<void> {
    this.#users++
    return this.#life.start()
  }

  /** Stops with the last user. Calls that are pending then stay listed until the next start. */
  stop (): Promise<void> {
    this.#users = Math.max(0, this.#users - 1)
    return this.#users > 0 ? Promise.resolve() : this.#life.stop()
  }

  /** Records how long a call of a run in another thread or process has been pending, ms; null when none is. */
  recordElsewhere (run: string, task: string, ms: number | null): void {
    if (ms === null) this.#elsewhere.delete(run)
    else this.#elsewhere.set(run, { run, task, at: this.#now() - ms })
  }

  /** The number of calls of a task in this process that have been pending for at least `ms`. Each occupies a thread of
   *  the pool. */
  keptBy (task: string, ms: number): number {
    let count = 0
    if (this.#open.size > 0) {
      for (const call of this.#open.values()) if (call.task === task && this.#now() - call.at >= ms) count += 1
    }
    return count
  }

  /** The calls that have been pending for at least `ms`, one for each run, the longest first. */
  longerThan (ms: number): OpenCall[] {
    const now = this.#now()
    const found = new Map<string | null, OpenCall>()
    for (const { run, task, at } of [...this.#open.values(), ...this.#elsewhere.values()]) {
      const took = now - at
      if (took >= ms && took > (found.get(run)?.ms ?? 0)) found.set(run, { run, task, ms: Math.round(took) })
    }
    return [...found.values()].toSorted((a, b) => b.ms - a.ms)
  }
}

/** The instance of this process, which has one pool. */
export const fileCalls = new FileCalls()

/** How many threads of the pool a task may block with calls that do not return. */
export const MOST_KEPT = 4

/** A call that takes longer is reported, ms. A disk that spins up takes less. */
export const STUCK = 10_000
