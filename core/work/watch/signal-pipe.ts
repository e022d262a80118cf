import { closeSync, constants, openSync, readSync, readdirSync, readlinkSync, writeSync } from 'node:fs'

/** The pipe through which the system's signals reach the event loop, opened a second time: to look at what the loop has
 *  not read yet, and to put it back. */
export interface SignalPipe {
  read: number
  write: number
}

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants
const FDS = '/proc/self/fd'
/** What libuv writes for a signal: a pointer to who listens, then the number of the signal. */
const POINTER_BYTES = 8
const MESSAGE_BYTES = 16
const MOST_BYTES = 4096
/** Ignored unless somebody listens, and nobody else does. */
const TRIAL = 'SIGURG'
const TRIAL_NUMBER = 23

/** Pipes of which both ends are this process's own, by a handle of theirs. */
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

/** What is in the pipe, left there. */
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

/** The numbers of the signals that the loop has not read yet; none when what is there is not what libuv writes. */
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

/** Closes it. */
export function closeSignalPipe ({ read, write }: SignalPipe): void {
  closeSync(read)
  closeSync(write)
}

/** Finds the pipe by sending this process a signal that it does not mind; null where that cannot be done: not on Linux.
 *  A handler of a thread runs on the loop of that thread, so that a loop that stands does not see the signal that asks
 *  its process to end, and no other thread can ask for it. */
export function findSignalPipe (): SignalPipe | null {
  if (process.platform !== 'linux') return null
  const heard = () => process.off(TRIAL, heard)
  process.on(TRIAL, heard)
  try {
    process.kill(process.pid, TRIAL)
    for (const name of ownPipes()) {
      const pipe = opened(name)
      if (pipe === null) continue
      if (waitingSignals(pipe).includes(TRIAL_NUMBER)) return pipe
      closeSignalPipe(pipe)
    }
  } catch {
    // Without /proc there is no other way to the pipe.
  }
  return null
}
