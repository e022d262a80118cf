import { MINUTE } from '../../model/base/duration.ts'
import { VERSION_1, VERSION_2 } from './cgroup-version.ts'
import type { Clock } from '../../model/base/clock.ts'
import type { Files } from './files.ts'
import type { Roots } from './sensor-host.ts'
import type { Version } from './cgroup-version.ts'

/** The limits of a container; null without a limit. */
interface Room {
  /** Processors, a fraction allowed. */
  cpus: number | null
  /** Bytes. */
  memory: number | null
}

type Kind = 'cpu' | 'memory'
/** A limit, and the group that has it. */
interface Limit {
  most: number
  folder: string
  version: Version
}

const AGAIN = MINUTE

/** `/a/b` → `/a/b`, `/a` and the root, which is that of the namespace in a container. */
function upwards (path: string): string[] {
  // Groups above the namespace are not visible: the mounted root is used.
  const steps = path.startsWith('/..') ? [] : path.split('/').filter(Boolean)
  return [...steps.map((_, index) => `/${steps.slice(0, steps.length - index).join('/')}`), '']
}

/** The limits and the usage of the control group of this process. */
export class Limits {
  readonly #files: Files
  readonly #roots: Roots
  readonly #clock: Clock
  #readAt = -Infinity
  #limits: Record<Kind, Limit | null> = { cpu: null, memory: null }

  constructor ({ files, roots, clock }: { files: Files, roots: Roots, clock: Clock }) {
    this.#files = files
    this.#roots = roots
    this.#clock = clock
  }

  /** The limits in force, read again every minute. */
  read (): Room {
    const at = this.#clock.monotonic()
    if (at - this.#readAt >= AGAIN) {
      this.#readAt = at
      const lines = (this.#files.once(`${this.#roots.proc}/self/cgroup`) ?? '0::/').trim().split('\n')
      this.#limits = { cpu: this.#lowest('cpu', lines), memory: this.#lowest('memory', lines) }
    }
    const { cpu, memory } = this.#limits
    return { cpus: cpu?.most ?? null, memory: memory?.most ?? null }
  }

  /** Seconds of processor time that the limited group has used; NaN if unknown. */
  cpuSeconds (): number {
    const limit = this.#limits.cpu
    return limit === null ? NaN : limit.version.cpuSeconds(this.#files, limit.folder)
  }

  /** Bytes of memory that the limited group uses; NaN if unknown. */
  memoryBytes (): number {
    const limit = this.#limits.memory
    return limit === null ? NaN : limit.version.memoryBytes(this.#files, limit.folder)
  }

  /** The text of the pressure file of the limited group, or null. */
  pressure (kind: Kind): string | null {
    this.read()
    const limit = this.#limits[kind]
    return limit === null ? null : this.#files.optional(`${limit.folder}/${kind}.pressure`)
  }

  /** The lowest limit of the group and those above it; version 2 first. */
  #lowest (kind: Kind, lines: readonly string[]): Limit | null {
    for (const version of [VERSION_2, VERSION_1]) {
      const folders = version.folders(kind, lines).flatMap(({ mount, path }) =>
        upwards(path).map(step => this.#roots.cgroup + mount + step)
      )
      const limits = folders.flatMap((folder): Limit[] => {
        const most = (kind === 'cpu' ? version.cpus : version.memory)(this.#files, folder)
        return most === null ? [] : [{ most, folder, version }]
      })
      const [lowest] = limits.toSorted((a, b) => a.most - b.most)
      if (lowest) return lowest
    }
    return null
  }
}
