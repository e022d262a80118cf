import { numberAfter, numbersOf, plainNumber } from './number.ts'
import type { Files } from './files.ts'

/** How to read one version of control groups. `folder` is the folder of a group. */
export interface Version {
  /** The possible folders of the group below the mount. `path` is the path in /proc/self/cgroup. */
  folders(kind: 'cpu' | 'memory', lines: readonly string[]): { mount: string, path: string }[]
  cpus(files: Files, folder: string): number | null
  memory(files: Files, folder: string): number | null
  /** Seconds of processor time used so far, without niced programs if known; NaN if unknown. */
  cpuSeconds(files: Files, folder: string): number
  /** Bytes in use, without caches that the kernel can free; NaN if unknown. */
  memoryBytes(files: Files, folder: string): number
}

const NANO = 1e9
const MICRO = 1e6
/** Version 1 reports its largest number if there is no limit. */
const NO_LIMIT = 2 ** 60

const ratio = (most: number | null | undefined, period: number | null | undefined): number | null =>
  most !== null && most !== undefined && most > 0 && period ? most / period : null

const without = (current: number | null, back: number) => current === null ? NaN : Math.max(0, current - back)

/** The caches of a group, which the kernel can free. */
const given = (stat: string | null, keys: readonly string[]): number =>
  stat === null ? 0 : keys.reduce((sum, key) => sum + (numberAfter(stat, key) ?? 0), 0)

const CACHES_2 = ['inactive_file ', 'active_file ', 'slab_reclaimable ']
const CACHES_1 = ['total_inactive_file ', 'total_active_file ']

/** cgroup v2 (Documentation/admin-guide/cgroup-v2.rst). */
export const VERSION_2: Version = {
  folders: (_kind, lines) =>
    lines.filter(line => line.startsWith('0::')).map(line => ({ mount: '', path: line.slice(3) })),
  cpus: (files, folder) => {
    // `<quota> <period>` or `max <period>`.
    const [most, period] = numbersOf(files.once(`${folder}/cpu.max`) ?? '')
    return ratio(most, period)
  },
  memory: (files, folder) => plainNumber(files.once(`${folder}/memory.max`)),
  cpuSeconds: (files, folder) => {
    const stat = files.text(`${folder}/cpu.stat`)
    return ((numberAfter(stat, 'usage_usec ') ?? NaN) - (numberAfter(stat, 'nice_usec ') ?? 0)) / MICRO
  },
  memoryBytes: (files, folder) =>
    without(plainNumber(files.text(`${folder}/memory.current`)),
      given(files.optional(`${folder}/memory.stat`), CACHES_2))
}

/** cgroup v1 (Documentation/admin-guide/cgroup-v1): a tree of its own for each kind. */
export const VERSION_1: Version = {
  folders: (kind, lines) =>
    lines.map(line => line.split(':')).filter(([, kinds]) => kinds?.split(',').includes(kind))
      .flatMap(([, kinds, path]) => [kinds!, kind].map(mount => ({ mount: `/${mount}`, path: path ?? '/' }))),
  cpus: (files, folder) =>
    ratio(plainNumber(files.once(`${folder}/cpu.cfs_quota_us`)),
      plainNumber(files.once(`${folder}/cpu.cfs_period_us`))),
  memory: (files, folder) => {
    const limit = plainNumber(files.once(`${folder}/memory.limit_in_bytes`))
    return limit !== null && limit < NO_LIMIT ? limit : null
  },
  cpuSeconds: (files, folder) => {
    // Usage is a controller of its own, often mounted together with the limits.
    const used = files.optional(`${folder}/cpuacct.usage`) ??
      files.optional(`${folder.replace(/\/cpu(?=\/|$)/, '/cpuacct')}/cpuacct.usage`)
    return (plainNumber(used) ?? NaN) / NANO
  },
  memoryBytes: (files, folder) =>
    without(plainNumber(files.text(`${folder}/memory.usage_in_bytes`)),
      given(files.optional(`${folder}/memory.stat`), CACHES_1))
}
