import { createHook } from 'node:async_hooks'
import { readdirSync, readlinkSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** What a service may leave behind, by kind. */
export type Remains = ReadonlyMap<string, number>

const HANDLES = ['FSEventWrap', 'MessagePort', 'ProcessWrap', 'TCPServerWrap', 'Worker']
/** How long what is closed may take to be gone, also on a machine that is busy with other things. */
const GONE_MS = 20_000
const FILES = '/proc/self/fd'

/** Timers, those too that do not keep the process alive. */
const timers = new Set<number>()
createHook({
  init: (id, type) => {
    if (type === 'Timeout') timers.add(id)
  },
  destroy: id => {
    timers.delete(id)
  }
}).enable()

/** Event queues of the process itself are left out: the first watch opens one for all. */
const isFile = (name: string): boolean => {
  try {
    return !readlinkSync(`${FILES}/${name}`).startsWith('anon_inode:')
  } catch {
    return false
  }
}

const openFiles = (): number => process.platform === 'linux' ? readdirSync(FILES).filter(isFile).length : 0

/** Counts the timers, the handles that keep the event loop alive, the open files and the listeners of the process. */
export function remains (): Remains {
  const kinds = process.getActiveResourcesInfo()
  return new Map([
    ['timers', timers.size],
    ['open files', openFiles()],
    ...HANDLES.map(one => [one, kinds.filter(kind => kind === one).length] as const),
    ...process.eventNames().map(name => [`listeners of ${String(name)}`, process.listenerCount(name)] as const)
  ])
}

const moreThan = (before: Remains): string[] =>
  [...remains()].flatMap(([kind, count]) => count > (before.get(kind) ?? 0) ? [kind] : [])

/** Waits until there is no more than before of any kind; a killed process is counted until its exit is reported, and a
 *  file until it is closed. Returns the kinds of which there are more in the end. */
export async function remainingAfter (before: Remains): Promise<string[]> {
  const end = performance.now() + GONE_MS
  // A timer of this function would be counted.
  do await nextTurn()
  while (moreThan(before).length > 0 && performance.now() < end)
  return moreThan(before)
}
