import { Script } from 'node:vm'

const PORT = Symbol.for('offpeak.bounded')
// The time limit of a script is the only way to interrupt a backtracking pattern on this thread.
const CALL = new Script(`globalThis[Symbol.for('offpeak.bounded')]()`, { filename: 'offpeak:bounded' })
/** Time in which the thread was not scheduled on a busy machine does not count: without most of the time for itself the
 *  work is tried again. */
const MOST_TRIES = 3
const OWN_SHARE = 0.8

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

type Ended<T> = { isDone: true, value: T } | { isDone: false }

/** Calls a synchronous function and interrupts it after this many ms; what it has changed stays. Throws what it
 *  throws. */
export function within<T> (ms: number, work: () => T): Ended<T> {
  for (let tries = 1;; tries++) {
    const began = cpuMs()
    try {
      Object.defineProperty(globalThis, PORT, { value: work, configurable: true, enumerable: false })
      return { isDone: true, value: CALL.runInThisContext({ timeout: ms }) as T }
    } catch (error) {
      if ((error as { code?: unknown } | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
      if (tries === MOST_TRIES || cpuMs() - began >= ms * OWN_SHARE) return { isDone: false }
    } finally {
      Reflect.deleteProperty(globalThis, PORT)
    }
  }
}
