import { readdirSync } from 'node:fs'
import { absent } from './files.ts'
import { numberAfter, numbersOf } from './number.ts'
import type { SensorHost } from './sensor-host.ts'

/** utime, stime, cutime, cstime are fields 14 to 17 of /proc/<pid>/stat, nice is field 19 (proc(5)): counted from
 *  field 4, the first after the letter of the state. */
const UTIME = 10
const NICE = 15
const MOST_CHILDREN = 500
/** The list is reused within one sample. */
const SAME_LOOK_MS = 100
const KIB = 1024
/** Threads of Node, by name. They start no programs. */
const OWN_THREADS = new Set(['libuv-worker', 'node-V8Worker', 'DelayedTaskSche', 'SignalInspector'])

/** Ticks of a process; 0 for niced ones. null for an invalid line. */
function ticksIn (stat: string): number | null {
  const at = stat.lastIndexOf(')')
  if (at < 0) return null
  // The name in parentheses may contain spaces and parentheses. A negative nice value is NaN here, which is not above
  // zero.
  const fields = numbersOf(stat, at + 4)
  const sum = fields.slice(UTIME, UTIME + 4).reduce((total, value) => total + value, 0)
  if (fields.length < UTIME + 4 || Number.isNaN(sum)) return null
  return (fields[NICE] ?? 0) > 0 ? 0 : sum
}

/** The bytes of a process so far: to and from disks, and by read and write calls including sockets. */
export interface Moved {
  disk: number
  calls: number
}

/** Parses /proc/<pid>/io. Bytes that were removed before they reached a disk are not counted. */
function movedIn (text: string | null): Moved | null {
  if (text === null) return null
  const of = (key: string) => numberAfter(text, `${key}: `) ?? 0
  const disk = of('read_bytes') + of('write_bytes') - of('cancelled_write_bytes')
  return { disk: Math.max(0, disk), calls: Math.max(of('rchar'), of('wchar')) }
}

/** The private memory of a process without caches, from /proc/<pid>/status, in bytes. */
function residentIn (text: string | null): number {
  if (text === null) return 0
  const own = numberAfter(text, 'RssAnon:')
  return (own === null ? numberAfter(text, 'VmRSS:') ?? 0 : own + (numberAfter(text, 'RssShmem:') ?? 0)) * KIB
}

const list = (folder: string): string[] => absent(() => readdirSync(folder)) ?? []
const pidsIn = (text: string | null): string[] => text === null || text === '' ? [] : text.trim().split(' ')

/** The usage of this process and its running descendants. The kernel adds the usage of a child to its parent when the
 *  child ends, so sums of ticks and bytes never decrease. */
export class OwnProcesses {
  readonly #host: SensorHost
  /** By thread: the file with its children, null for threads of Node. */
  #threads = new Map<string, string | null>()
  #pids: string[] = []
  #lookedAt = -Infinity

  constructor (host: SensorHost) {
    this.#host = host
  }

  /** Their ids, `self` first. */
  pids (): readonly string[] {
    const at = this.#host.clock.monotonic()
    if (at - this.#lookedAt < SAME_LOOK_MS) return this.#pids
    this.#lookedAt = at
    this.#pids = ['self']
    const waiting = this.#ownChildren()
    for (let index = 0; index < waiting.length && index < MOST_CHILDREN; index++) {
      this.#pids.push(waiting[index]!)
      waiting.push(...this.#childrenOf(waiting[index]!))
    }
    return this.#pids
  }

  /** Processor ticks; null if unknown. */
  ticks (): number | null {
    const { files, roots } = this.#host
    const own = ticksIn(files.text(`${roots.proc}/self/stat`))
    if (own === null) return null
    const stats = this.#children().map(pid => files.once(`${roots.proc}/${pid}/stat`))
    return stats.reduce((sum, stat) => sum + ((stat === null ? null : ticksIn(stat)) ?? 0), own)
  }

  /** The bytes of each process, by pid; null if unknown. */
  moved (): Map<string, Moved> | null {
    const { files, roots } = this.#host
    const own = movedIn(files.optional(`${roots.proc}/self/io`))
    if (own === null) return null
    const found = new Map([['self', own]])
    for (const pid of this.#children()) {
      const moved = movedIn(readable(() => files.once(`${roots.proc}/${pid}/io`)))
      if (moved !== null) found.set(pid, moved)
    }
    return found
  }

  /** Bytes of memory; null if unknown. */
  memory (): number | null {
    const { files, roots } = this.#host
    const own = files.optional(`${roots.proc}/self/status`)
    if (own === null) return null
    const statuses = this.#children().map(pid => files.once(`${roots.proc}/${pid}/status`))
    return statuses.reduce((sum, status) => sum + residentIn(status), residentIn(own))
  }

  #children (): string[] {
    return this.pids().slice(1)
  }

  #ownChildren (): string[] {
    const { files, roots } = this.#host
    const tasks = `${roots.proc}/self/task`
    const before = this.#threads
    this.#threads = new Map(list(tasks).map(thread => {
      const known = before.get(thread)
      if (known !== undefined) return [thread, known]
      const name = files.once(`${tasks}/${thread}/comm`)?.trim() ?? ''
      return [thread, OWN_THREADS.has(name) ? null : `${tasks}/${thread}/children`]
    }))
    for (const [thread, file] of before) if (file !== null && !this.#threads.has(thread)) files.forget(file)
    return [...this.#threads.values()].flatMap(file => file === null ? [] : pidsIn(files.optional(file)))
  }

  #childrenOf (pid: string): string[] {
    const { files, roots } = this.#host
    const folder = `${roots.proc}/${pid}/task`
    return list(folder).flatMap(thread => pidsIn(files.once(`${folder}/${thread}/children`)))
  }
}

/** Null for processes of another user, which must not be read. */
function readable<T> (ask: () => T): T | null {
  try {
    return ask()
  } catch {
    return null
  }
}
