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

/** What would end the process, or change it for everybody in it; most of it a worker thread refuses too. */
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

type Heard = ((...words: unknown[]) => unknown) & { listener?: Heard }

const isInTask = (): boolean => originOf() !== null

/** True for a signal that reaches this process: to itself or to its group; signal 0 only asks whether it is there. */
const isSelf = ([pid, signal]: unknown[]): boolean =>
  [process.pid, -process.pid, 0, -1].includes(Number(pid)) && signal !== 0

/** Puts a function before one of `process`, or of another object, which it may call. */
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
    // Who has replaced it after us goes on through us.
    if (calls[name] !== value) return
    if (before === undefined) delete calls[name]
    else Object.defineProperty(of, name, before)
  }
}

/** Throws OFFPEAK_PROCESS_SHARED in the place of a call out of a task that `isRefused`. */
const refusing = (name: string, isRefused: (words: unknown[]) => boolean = () => true): Restore =>
  replaced(name, original => (...words: never[]) => {
    if (isInTask() && isRefused(words)) throw processShared(`process.${name}()`)
    return original(...words)
  })

/** A standard stream that is closed leaves its number to the next file that is opened, such as the database, and the
 *  log would be written there. */
const closing = (name: string): Restore =>
  replaced(name, original => (...words: never[]) => {
    if (isInTask() && [0, 1, 2].includes(words[0] as unknown as number)) {
      throw processShared(
        `fs.${name}(${words[0] as unknown as number})`
      )
    }
    return original(...words)
  }, fs)

/** What a task has added to the listeners of the process: the others are not its own. */
class OwnListeners {
  readonly #own = new WeakSet<object>()

  has (listener: Heard): boolean {
    return this.#own.has(listener) || (listener.listener !== undefined && this.#own.has(listener.listener))
  }

  *patches (): Iterable<Restore> {
    for (const name of ADDING) {
      yield replaced(name, original =>
        ((event: string, listener: Heard) =>
          original(...[event, this.#added(event, listener)] as never[])) as Call)
    }
    for (const name of ['off', 'removeListener']) {
      yield replaced(name, original =>
        ((event: string, listener: Heard) =>
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

  /** What it throws at the end of the process must not change how that ends. */
  #added (event: string, listener: Heard): Heard {
    if (!isInTask() || typeof listener !== 'function') return listener
    this.#own.add(listener)
    if (!/^(?:exit|beforeExit)$/.test(String(event)) || listener.listener !== undefined) return listener
    const calm: Heard = (...words) => {
      try {
        return listener.apply(process, words)
      } catch {
        return undefined
      }
    }
    return Object.assign(calm, { listener })
  }

  #mayRemove (event: string, listener: Heard): boolean {
    return this.has(listener) ||
      !process.rawListeners(event).some(one => one === listener || (one as Heard).listener === listener)
  }

  #removeOwn (event: string): void {
    for (const listener of process.rawListeners(event)) {
      if (this.has(listener as Heard)) process.removeListener(event, listener as () => void)
    }
  }
}

/** A thread ends by itself, and Node keeps most of the process from it. */
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
  // `import { exit } from 'node:process'` is the function that `process.exit` is: patched below, restored last.
  yield syncBuiltinESMExports
  yield* isMainThread ? ofProcess() : inThread()
  syncBuiltinESMExports()
})

/** While it is started, code of a task that runs in this process cannot end it, signal it, change its folder, mask or
 *  user, or take the listeners of others away: such a call throws OFFPEAK_PROCESS_SHARED, or does nothing. What is not
 *  of a task is left alone. */
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
