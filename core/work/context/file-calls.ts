import { createHook } from 'node:async_hooks'
import { Lifecycle } from '../../model/base/service.ts'
import { runScope } from './scope.ts'
import type { Service, ServiceState } from '../../model/base/service.ts'

/** A call to the file system that has not come back; `run` null: one of offpeak itself. `ms`: how long it has taken so
 *  far. */
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

/** Calls that wait for a thread of the pool, or occupy one. */
const isFileCall = (type: string) => type.startsWith('FSREQ')

/** Which calls to the file system are under way, and whose they are. A file system that is gone does not answer: each
 *  call keeps one of the threads that all calls share, and nothing can take it back. */
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
    // What promises do is of no interest, and would cost each of them something.
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

  /** Stops with the last of its users. Calls that are open then stay listed until the next start. */
  stop (): Promise<void> {
    this.#users = Math.max(0, this.#users - 1)
    return this.#users > 0 ? Promise.resolve() : this.#life.stop()
  }

  /** Records how long a call of a run in another thread or process has taken, ms; null: none is open there. */
  told (run: string, task: string, ms: number | null): void {
    if (ms === null) this.#elsewhere.delete(run)
    else this.#elsewhere.set(run, { run, task, at: this.#now() - ms })
  }

  /** How many calls of a task have taken longer than that here: each keeps a thread of the pool. */
  keptBy (task: string, ms: number): number {
    let count = 0
    if (this.#open.size > 0) {
      for (const call of this.#open.values()) if (call.task === task && this.#now() - call.at >= ms) count += 1
    }
    return count
  }

  /** Calls that have taken longer than that, the longest first; one of each run. */
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

/** Of this process: there is one pool. */
export const fileCalls = new FileCalls()

/** How many threads of the pool a task may block with calls that do not return. */
export const MOST_KEPT = 4

/** A call that takes longer is reported, ms: a disk that spins up takes less. */
export const STUCK = 10_000
