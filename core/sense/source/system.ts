import { resolve, sep } from 'node:path'

/** A percentage, or `unknown` if the machine does not report it in time. */
export type Percent = number | 'unknown'

/** The current usage of the machine. */
export interface SystemReading {
  cpu_percent: Percent
  memory_percent: Percent
  /** The fullest of the disks. */
  disk_percent: Percent
  /** One for each requested path. */
  disks: { path: string, percent: Percent }[]
}

export interface FileSystem {
  mount: string
  use: number
}

/** The sources of the values. */
export interface SystemSources {
  cpu(): Promise<number>
  memory(): Promise<number>
  fileSystems(): Promise<FileSystem[]>
}

// Loaded on first use.
const library = async () => (await import('systeminformation')).default

const MACHINE: SystemSources = {
  cpu: async () => (await (await library()).currentLoad()).currentLoad,
  memory: async () => {
    const { total, available } = await (await library()).mem()
    return 100 * (total - available) / total
  },
  fileSystems: async () => await (await library()).fsSize()
}

/** The result, or null if the call fails or times out. Some calls hang on unusual hardware and dead network mounts. */
async function bounded<T> (ask: () => Promise<T>, timeoutMs: number): Promise<T | null> {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<null>()
  const timer = setTimeout(giveUp, timeoutMs, null)
  try {
    return await Promise.race([ask(), late])
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

const percent = (value: number | null | undefined): Percent =>
  typeof value === 'number' && Number.isFinite(value)
    ? Math.min(100, Math.max(0, Math.round(value * 10) / 10))
    : 'unknown'

const holds = (mount: string, path: string) =>
  path === mount || path.startsWith(mount.endsWith(sep) ? mount : mount + sep)

function useOf (path: string, systems: FileSystem[]): Percent {
  const full = resolve(path)
  const nearest = systems
    .filter(({ mount }) => holds(mount, full))
    .toSorted((a, b) => b.mount.length - a.mount.length)[0]
  return percent(nearest?.use)
}

function fullest (disks: { percent: Percent }[]): Percent {
  const known = disks.map(disk => disk.percent).filter(value => value !== 'unknown')
  return known.length === 0 ? 'unknown' : Math.max(...known)
}

/** The usage of processor, memory and disks. Each is `unknown` if it cannot be read within `timeoutMs`. Never
 *  throws. */
export async function readSystem ({ paths = ['/'], timeoutMs = 5000, sources = MACHINE }: {
  paths?: string[]
  timeoutMs?: number
  sources?: SystemSources
} = {}): Promise<SystemReading> {
  const [cpu, memory, systems] = await Promise.all([
    bounded(sources.cpu, timeoutMs),
    bounded(sources.memory, timeoutMs),
    bounded(sources.fileSystems, timeoutMs)
  ])
  const disks = paths.map(path => ({ path, percent: useOf(path, systems ?? []) }))
  return { cpu_percent: percent(cpu), memory_percent: percent(memory), disk_percent: fullest(disks), disks }
}
