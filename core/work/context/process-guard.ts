import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { SharedPatch } from './shared-patch.ts'
import { Lifecycle } from '../../model/base/service.ts'
import { originOf } from './uncaught.ts'
import { processShared } from '../../model/errors/run-errors.ts'
import type { Restore } from './shared-patch.ts'
import type { Service } from '../../model/base/service.ts'

type Call = (...words: never[]) => unknown
type Calls = Record<string, Call | undefined>

/** Functions that would end the process or change it for all its code. Node refuses most of them in worker threads,
 *  too. */
const REFUSED = [
  'exit',
  'reallyExit',
  'execve',
  'abort',
  'chdir',
  'setuid',
  'seteuid',
  'setgid',
  'setegid',
  'setgroups',
  'initgroups',
  'setUncaughtExceptionCaptureCallback'
]
/** Events whose listeners end the process or clean up after it. */
const ENDING = /^(?:exit|beforeExit|SIG[A-Z0-9]+)$/
const ADDING = ['on', 'addListener', 'once', 'prependListener', 'prependOnceListener']

type ProcessListener = ((...words: unknown[]) => unknown) & { listener?: ProcessListener }

const isInTask = (): boolean => originOf() !== null

/** True for a signal to this process or its group. Signal 0 only tests for existence. */
const isSelf = ([pid, signal]: unknown[]): boolean =>
  [process.pid, -process.pid, 0, -1].includes(Number(pid)) && signal !== 0

/** Wraps a function of `process` or another object. */
function replaced (name: string, make: (original: Call) => Call, of: object = process): Restore {
  const calls = of as Calls
  const original = calls[name]
  if (original === undefined) return () => undefined
  const before = Object.getOwnPropertyDescriptor(of, name)
  const value = make(original.bind(of) as Call)
  Object.defineProperty(of, name, {
    value,
    configurable: true,
    writable: true,
    enumerable: before?.enumerable ?? false
  })
  return () => {
    // A later replacement still calls this one.
    if (calls[name] !== value) return
    if (before === undefined) delete calls[name]
    else Object.defineProperty(of, name, before)
  }
}

/** Makes calls of tasks for which `isRefused` is true throw OFFPEAK_PROCESS_SHARED. */
const refusing = (name: string, isRefused: (words: unknown[]) => boolean = () => true): Restore =>
  replaced(name, original => (...words: never[]) => {
    if (isInTask() && isRefused(words)) throw processShared(`process.${name}()`)
    return original(...words)
  })

/** Refuses to close a standard stream: the next opened file, such as the database, would get its descriptor, and the
 *  log would be written into it. */
const closing = (name: string): Restore =>
  replaced(name, original => (...words: never[]) => {
    if (isInTask() && [0, 1, 2].includes(words[0] as unknown as number)) {
      throw processShared(
        `fs.${name}(${words[0] as unknown as number})`
      )
    }
    return original(...words)
  }, fs)

/** The process listeners that tasks have added. Tasks may not remove others. */
class OwnListeners {
  readonly #own = new WeakSet<object>()

  has (listener: ProcessListener): boolean {
    return this.#own.has(listener) || (listener.listener !== undefined && this.#own.has(listener.listener))
  }

  *patches (): Iterable<Restore> {
    for (const name of ADDING) {
      yield replaced(name, original =>
        ((event: string, listener: ProcessListener) =>
          original(...[event, this.#added(event, listener)] as never[])) as Call)
    }
    for (const name of ['off', 'removeListener']) {
      yield replaced(name, original =>
        ((event: string, listener: ProcessListener) =>
          isInTask() && !this.#mayRemove(event, listener)
            ? process
            : original(...[event, listener] as never[])) as Call)
    }
    yield replaced('removeAllListeners', original =>
      ((...events: string[]) => {
        if (!isInTask()) return original(...events as never[])
        for (const event of events.length > 0 ? events : process.eventNames()) this.#removeOwn(event as string)
        return process
      }) as Call)
  }

  /** Errors of exit listeners must not change the exit of the process. */
  #added (event: string, listener: ProcessListener): ProcessListener {
    if (!isInTask() || typeof listener !== 'function') return listener
    this.#own.add(listener)
    if (!/^(?:exit|beforeExit)$/.test(String(event)) || listener.listener !== undefined) return listener
    const guarded: ProcessListener = (...words) => {
      try {
        return listener.apply(process, words)
      } catch {
        return undefined
      }
    }
    return Object.assign(guarded, { listener })
  }

  #mayRemove (event: string, listener: ProcessListener): boolean {
    return this.has(listener) ||
      !process.rawListeners(event).some(one => one === listener || (one as ProcessListener).listener === listener)
  }

  #removeOwn (event: string): void {
    for (const listener of process.rawListeners(event)) {
      if (this.has(listener as ProcessListener)) process.removeListener(event, listener as () => void)
    }
  }
}

/** In a thread, Node already refuses most of these calls. */
function* inThread (): Iterable<Restore> {
  yield refusing('kill', isSelf)
  yield closing('close')
  yield closing('closeSync')
}

function* ofProcess (): Iterable<Restore> {
  for (const name of REFUSED) yield refusing(name)
  yield refusing('umask', words => words.length > 0 && words[0] !== undefined)
  yield refusing('kill', isSelf)
  yield refusing('emit', ([event]) => ENDING.test(String(event)) && process.listenerCount(event as string) > 0)
  yield closing('close')
  yield closing('closeSync')
  yield* new OwnListeners().patches()
}

const guard = new SharedPatch(function* () {
  // `import { exit } from 'node:process'` must be the same function as `process.exit`: it is synchronized after the
  // patches and after their removal.
  yield syncBuiltinESMExports
  yield* isMainThread ? ofProcess() : inThread()
  syncBuiltinESMExports()
})

/** While it is started, task code in this process cannot end or signal it, change its working directory, umask or user,
 *  or remove listeners of others: such calls throw OFFPEAK_PROCESS_SHARED or do nothing. Other code is not affected. */
export class ProcessGuard implements Service {
  #release: Restore = () => undefined
  readonly #life = new Lifecycle({
    start: () => {
      this.#release = guard.take()
    },
    stop: () => this.#release()
  })

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }
}
