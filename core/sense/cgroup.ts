import { MINUTE } from '../model/duration.ts'
import { numberAfter, numbersOf, plainNumber } from './number.ts'
import type { Clock } from '../model/clock.ts'
import type { Files } from './files.ts'
import type { Roots } from './sensor.ts'

/** What a container may use; null where it has no limit of its own. */
export interface Room {
  /** Processors, a fraction allowed. */
  cpus: number | null
  /** Bytes. */
  memory: number | null
}

const NO_ROOM: Room = { cpus: null, memory: null }
const AGAIN = MINUTE

const lowest = (values: (number | null)[]): number | null => {
  const set = values.filter(value => value !== null)
  return set.length === 0 ? null : Math.min(...set)
}

/** `/a/b/c` → `/a/b/c`, `/a/b`, `/a`, and the root itself, which is the container's own where it has a namespace. */
function upwards (path: string): string[] {
  const steps = path.split('/').filter(Boolean)
  return [...steps.map((_, index) => `/${steps.slice(0, steps.length - index).join('/')}`), '']
}

/** `cpu.max` of cgroup v2: quota and period, or `max` and period. */
function quota (text: string | null): number | null {
  const [most, period] = numbersOf(text ?? '')
  return most === undefined || period === undefined || Number.isNaN(most) || period === 0 ? null : most / period
}

/** The limits of the control group (version 2) that this process lives in, and what the group has used. */
export class Limits {
  readonly #files: Files
  readonly #roots: Roots
  readonly #clock: Clock
  #readAt = -Infinity
  #room = NO_ROOM
  /** The folder that holds the limit of each kind. */
  #folders: { cpu: string, memory: string } = { cpu: '', memory: '' }

  constructor ({ files, roots, clock }: { files: Files, roots: Roots, clock: Clock }) {
    this.#files = files
    this.#roots = roots
    this.#clock = clock
  }

  /** The limits in force; looked up again every minute. */
  read (): Room {
    const at = this.#clock.monotonic()
    if (at - this.#readAt < AGAIN) return this.#room
    this.#readAt = at
    const folders = this.#folder() === null ? [] : upwards(this.#folder()!).map(path => this.#roots.cgroup + path)
    const cpus = folders.map(folder => ({ folder, limit: quota(this.#files.once(`${folder}/cpu.max`)) }))
    const memory = folders.map(folder => ({ folder, limit: plainNumber(this.#files.once(`${folder}/memory.max`)) }))
    this.#room = { cpus: lowest(cpus.map(({ limit }) => limit)), memory: lowest(memory.map(({ limit }) => limit)) }
    this.#folders = {
      cpu: cpus.find(({ limit }) => limit !== null && limit === this.#room.cpus)?.folder ?? '',
      memory: memory.find(({ limit }) => limit !== null && limit === this.#room.memory)?.folder ?? ''
    }
    return this.#room
  }

  /** Seconds of processor time that the limited group has used. */
  cpuSeconds (): number {
    const used = numberAfter(this.#files.text(`${this.#folders.cpu}/cpu.stat`), 'usage_usec ')
    return used === null ? NaN : used / 1e6
  }

  /** Bytes that the limited group holds; what the kernel would give back at once does not count. */
  memoryBytes (): number {
    const current = plainNumber(this.#files.text(`${this.#folders.memory}/memory.current`))
    if (current === null) return NaN
    const stat = this.#files.optional(`${this.#folders.memory}/memory.stat`) ?? ''
    return Math.max(0, current - (numberAfter(stat, 'inactive_file ') ?? 0))
  }

  /** The pressure file of the limited group, null where there is none. */
  pressure (kind: 'cpu' | 'memory'): string | null {
    const { cpus, memory } = this.read()
    if ((kind === 'cpu' ? cpus : memory) === null) return null
    return this.#files.optional(`${this.#folders[kind]}/${kind}.pressure`)
  }

  /** Where this process stands in the tree: the line `0::/path` of /proc/self/cgroup. */
  #folder (): string | null {
    const text = this.#files.once(`${this.#roots.proc}/self/cgroup`)
    if (text === null) return ''
    const line = text.split('\n').find(candidate => candidate.startsWith('0::'))
    // A path above the namespace cannot be followed: the root that is mounted is what counts.
    return line === undefined ? null : line.slice(3).replace(/^\/\.\..*/, '/')
  }
}
