import { UNKNOWN } from '../../model/machine/reading.ts'
import { numberAfter, share } from '../source/number.ts'
import type { OwnProcesses } from '../source/process-tree.ts'
import type { Limits } from '../source/cgroup.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'

const KIB = 1024

/** Kernels before 3.14 have no MemAvailable. */
const roughly = (text: string) =>
  ['MemFree:', 'Buffers:', 'Cached:'].reduce((sum, key) => sum + (numberAfter(text, key) ?? NaN), 0)

function hostMemory (text: string): { total: number, available: number } {
  const total = numberAfter(text, 'MemTotal:')
  const available = numberAfter(text, 'MemAvailable:') ?? roughly(text)
  if (total === null || total === 0 || Number.isNaN(available)) {
    throw new Error(`/proc/meminfo begins with '${text.slice(0, 40)}'`)
  }
  return { total: total * KIB, available: available * KIB }
}

/** The bytes that the cache of ZFS can free, which MemAvailable does not include. Lines of arcstats: name, type,
 *  value. */
function zfsCache (text: string | null): number {
  if (text === null) return 0
  const value = (name: string) => Number(new RegExp(`^${name} +\\d+ +(\\d+)$`, 'm').exec(text)?.[1] ?? NaN)
  const given = value('size') - value('c_min')
  return given > 0 ? given : 0
}

/** The share of memory in use, of the machine or of the limit of the container. */
export function memorySensor (
  host: Pick<SensorHost, 'files' | 'roots'>,
  limits: Limits,
  processes?: OwnProcesses
): Sensor {
  const { files, roots } = host
  const ownOf = (total: number) => {
    const own = processes?.memory() ?? null
    return own === null ? {} : { own: share(own / total) }
  }
  return {
    everyMs: 0,
    read (): PartialReading {
      const machine = hostMemory(files.text(`${roots.proc}/meminfo`))
      const total = machine.total
      const cache = zfsCache(files.optional(`${roots.proc}/spl/kstat/zfs/arcstats`))
      const available = Math.min(total, machine.available + cache)
      const { memory } = limits.read()
      // A limit above the memory of the machine has no effect.
      if (memory === null || memory >= total) {
        return { memory: { used: share((total - available) / total), available_bytes: available, ...ownOf(total) } }
      }
      const used = limits.memoryBytes()
      if (Number.isNaN(used)) return { memory: { used: UNKNOWN, available_bytes: UNKNOWN } }
      const left = Math.min(available, Math.max(0, memory - used))
      return { memory: { used: share(used / memory), available_bytes: left, ...ownOf(memory) } }
    }
  }
}
