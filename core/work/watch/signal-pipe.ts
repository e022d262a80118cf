import { closeSync, constants, openSync, readSync, readdirSync, readlinkSync, writeSync } from 'node:fs'

/** A second opening of the pipe through which libuv passes signals to the event loop, to inspect signals that the loop
 *  has not read yet. */
export interface SignalPipe {
  read: number
  write: number
}

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants
const FDS = '/proc/self/fd'
/** The layout of a message of libuv: a pointer to the handle, then the number of the signal. */
const POINTER_BYTES = 8
const MESSAGE_BYTES = 16
const MOST_BYTES = 4096
/** A signal that is ignored by default and that nothing else uses. */
const TRIAL = 'SIGURG'
const TRIAL_NUMBER = 23

/** One descriptor of each pipe whose two ends both belong to this process. */
function ownPipes (): string[] {
  const ends = new Map<string, string[]>()
  for (const name of readdirSync(FDS)) {
    const target = linkOf(name)
    if (target.startsWith('pipe:')) ends.set(target, [...ends.get(target) ?? [], name])
  }
  return [...ends.values()].flatMap(names => names.length === 2 ? [names[0]!] : [])
}

function linkOf (name: string): string {
  try {
    return readlinkSync(`${FDS}/${name}`)
  } catch {
    return ''
  }
}

/** Reads the contents of the pipe and writes them back. */
function peek ({ read, write }: SignalPipe): Buffer {
  const buffer = Buffer.alloc(MOST_BYTES)
  try {
    const length = readSync(read, buffer, 0, MOST_BYTES, null)
    if (length > 0) writeSync(write, buffer, 0, length)
    return buffer.subarray(0, length)
  } catch {
    return buffer.subarray(0, 0)
  }
}

/** The numbers of the signals that the loop has not read yet; empty when the contents do not have the layout of
 *  libuv. */
export function waitingSignals (pipe: SignalPipe): number[] {
  const bytes = peek(pipe)
  if (bytes.length % MESSAGE_BYTES !== 0) return []
  return Array.from({ length: bytes.length / MESSAGE_BYTES },
    (_, at) => bytes.readInt32LE(at * MESSAGE_BYTES + POINTER_BYTES))
}

function opened (name: string): SignalPipe | null {
  const read = openSync(`${FDS}/${name}`, O_RDONLY | O_NONBLOCK)
  try {
    return { read, write: openSync(`${FDS}/${name}`, O_WRONLY | O_NONBLOCK) }
  } catch {
    closeSync(read)
    return null
  }
}

/** Closes both descriptors. */
export function closeSignalPipe ({ read, write }: SignalPipe): void {
  closeSync(read)
  closeSync(write)
}

/** Finds the pipe by sending this process a harmless signal; null when it is not found, or not on Linux. The pipe is
 *  needed because signal handlers run on the main event loop: while it is blocked, neither it nor another thread
 *  receives the signal that asks the process to end. */
export function findSignalPipe (): SignalPipe | null {
  if (process.platform !== 'linux') return null
  const listener = () => process.off(TRIAL, listener)
  process.on(TRIAL, listener)
  try {
    process.kill(process.pid, TRIAL)
    for (const name of ownPipes()) {
      const pipe = opened(name)
      if (pipe === null) continue
      if (waitingSignals(pipe).includes(TRIAL_NUMBER)) return pipe
      closeSignalPipe(pipe)
    }
  } catch {
    // Without /proc the pipe cannot be found.
  }
  return null
}
