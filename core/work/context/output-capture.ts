import { Lifecycle } from '../../model/base/service.ts'
import { SharedPatch } from './shared-patch.ts'
import { runScope } from './scope.ts'
import type { OutputName } from './run-output.ts'
import type { Restore } from './shared-patch.ts'
import type { Service } from '../../model/base/service.ts'

/** `console`: captures the global console; `streams`: also direct writes to `process.stdout` and `process.stderr`. */
interface CaptureOptions {
  of?: 'console' | 'streams'
  /** Where standard output that belongs to no run is written: `kept`: to standard output; `stderr`: to standard
   *  error. */
  others?: 'kept' | 'stderr'
}

type Write = typeof process.stdout.write
type Callback = (error?: Error | null) => void

const NAMES = ['stdout', 'stderr'] as const

const bytesOf = (chunk: string | Uint8Array, encoding: unknown): Uint8Array =>
  typeof chunk === 'string'
    ? Buffer.from(chunk, typeof encoding === 'string' ? encoding as BufferEncoding : 'utf8')
    : chunk

/** True when the chunk was added to the log of the run that writes it. */
function isTaken (name: OutputName, [chunk, encoding]: Parameters<Write>): boolean {
  const output = runScope.getStore()?.output
  return output !== undefined && (typeof chunk === 'string' || chunk instanceof Uint8Array) &&
    output.write(name, bytesOf(chunk, encoding))
}

/** Output of a run that has ended must not mix with the records on standard output. */
const goesElsewhere = (name: OutputName, others: CaptureOptions['others']) =>
  name === 'stdout' && (others === 'stderr' || runScope.getStore() !== undefined)

function writer (name: OutputName, original: Write, others: CaptureOptions['others']): Write {
  return function (this: unknown, ...words: Parameters<Write>): boolean {
    if (!isTaken(name, words)) {
      return goesElsewhere(name, others)
        ? process.stderr.write(...words)
        : original.apply(process[name], words)
    }
    const done = words.find((word): word is Callback => typeof word === 'function')
    if (done !== undefined) process.nextTick(done)
    return true
  } as Write
}

/** The stream that the console uses. Within a run it is not a terminal, so that lines of the log have no colours. */
function consoleStream (name: OutputName, others: CaptureOptions['others']): NodeJS.WriteStream {
  const write = writer(name, ((...words: Parameters<Write>) => process[name].write(...words)) as Write, others)
  return new Proxy(process[name], {
    get (stream, key) {
      if (key === 'write') return write
      if (key === 'isTTY' && runScope.getStore() !== undefined) return false
      const value: unknown = Reflect.get(stream, key, stream)
      return typeof value === 'function' ? value.bind(stream) as unknown : value
    }
  })
}

function patchConsole (name: OutputName, others: CaptureOptions['others']): Restore {
  const key = `_${name}`
  const before = Object.getOwnPropertyDescriptor(console, key)
  // A test runner may have replaced the console of Node.
  if (before === undefined) return () => undefined
  Object.defineProperty(console, key, {
    value: consoleStream(name, others),
    configurable: true,
    writable: true,
    enumerable: false
  })
  return () => void Object.defineProperty(console, key, before)
}

function patchStream (name: OutputName, others: CaptureOptions['others']): Restore {
  const stream = process[name]
  const original = stream.write
  const patched = stream.write = writer(name, original, others)
  // A later patch still calls this one.
  return () => {
    if (stream.write === patched) stream.write = original
  }
}

type Others = [CaptureOptions['others']]

const ofConsole = new SharedPatch<Others>(function* (others) {
  for (const name of NAMES) yield patchConsole(name, others)
})
const ofStreams = new SharedPatch<Others>(function* (others) {
  for (const name of NAMES) yield patchStream(name, others)
})

/** While it is started, the output of a function to `console` or the standard streams is added to the log of its run.
 *  Output outside a run is not captured. */
export class OutputCapture implements Service {
  readonly #patches: readonly SharedPatch<Others>[]
  readonly #others: CaptureOptions['others']
  readonly #releases: Restore[] = []
  readonly #life = new Lifecycle({
    start: () => {
      for (const patch of this.#patches) this.#releases.push(patch.take(this.#others))
    },
    stop: () => {
      for (const release of this.#releases.splice(0)) release()
    }
  })

  constructor ({ of = 'console', others = 'kept' }: CaptureOptions = {}) {
    this.#patches = of === 'console' ? [ofConsole] : [ofStreams, ofConsole]
    this.#others = others
  }

  start (): Promise<void> {
    return this.#life.start()
  }

  stop (): Promise<void> {
    return this.#life.stop()
  }
}
