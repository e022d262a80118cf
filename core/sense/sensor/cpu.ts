import { UNKNOWN } from '../../model/machine/reading.ts'
import { numbersOf, plainNumber, share } from '../source/number.ts'
import { OwnProcesses } from '../source/process-tree.ts'
import { rates, rise } from '../source/rate.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Files } from '../source/files.ts'
import type { SensorHost, PartialReading, Roots, Sensor } from '../source/sensor-host.ts'
import type { Limits } from '../source/cgroup.ts'

/** Ticks per second: the kernel reports processor time in hundredths of a second on every machine (USER_HZ,
 *  time(7)). */
const TICKS = 100

interface Counters {
  /** Ticks of all cores. */
  total: number
  /** Idle ticks, including waits for a disk. */
  idle: number
  /** Ticks of niced programs. */
  niced: number
  /** Ticks of this process and its descendants. */
  own: number | null
  /** Seconds that the container has used, if it has a limit. */
  contained: number | null
}

/** The columns of /proc/stat, proc(5): user nice system idle iowait irq softirq steal; guest is part of user. */
function ticksOf (stat: string): Pick<Counters, 'total' | 'idle' | 'niced'> {
  const columns = numbersOf(stat, 3).slice(0, 8)
  const total = columns.reduce((sum, value) => sum + value, 0)
  if (!stat.startsWith('cpu ') || columns.length < 4 || Number.isNaN(total)) {
    throw new Error(`/proc/stat begins with '${stat.slice(0, 40)}'`)
  }
  return { total, idle: columns[3]! + (columns[4] ?? 0), niced: columns[1]! }
}

function load ({ files, roots }: { files: Files, roots: Roots }, cores: number): Maybe<number> {
  const text = files.optional(`${roots.proc}/loadavg`)
  const value = plainNumber(text?.slice(0, text.indexOf(' ')))
  return value === null ? UNKNOWN : value / cores
}

/** The number of processors that are online: cpu0, cpu1, … in /proc/stat. */
function coresIn (stat: string): number {
  let count = 0
  for (let at = stat.indexOf('\ncpu'); at >= 0; at = stat.indexOf('\ncpu', at + 4)) count++
  return Math.max(1, count)
}

interface Shares {
  busy: Maybe<number>
  own: Maybe<number>
  niced: Maybe<number>
}
const NONE: Shares = { busy: UNKNOWN, own: UNKNOWN, niced: UNKNOWN }

/** The share of its limit that a container has used, or of its processors that the machine has used, without niced
 *  programs. */
function used (now: Counters, before: Counters, roomSeconds: number): Pick<Shares, 'busy' | 'niced'> {
  if (now.contained !== null) {
    const contained = rise(now.contained, before.contained ?? undefined)
    return { busy: contained === null ? UNKNOWN : share(contained / roomSeconds), niced: UNKNOWN }
  }
  const total = rise(now.total, before.total)
  const idle = rise(now.idle, before.idle)
  const niced = rise(now.niced, before.niced)
  if (total === null || idle === null || niced === null || total === 0) return NONE
  return { busy: share((total - idle - niced) / total), niced: share(niced / total) }
}

/** Processor usage from /proc/stat, as a share of all cores, or of the limit of the container. */
export function cpuSensor (host: SensorHost, limits: Limits, processes = new OwnProcesses(host)): Sensor {
  const { files, roots, clock } = host
  let room = 1
  const shares = rates<Counters, Shares>({
    clock,
    none: NONE,
    derive: ({ now, before, seconds }) => {
      const { busy, niced } = used(now, before, seconds * room)
      const own = now.own === null ? null : rise(now.own, before.own ?? undefined)
      if (own === null || busy === UNKNOWN) return { busy, niced, own: UNKNOWN }
      return { busy, niced, own: Math.min(busy, own / TICKS / (seconds * room)) }
    }
  })
  return {
    everyMs: 0,
    read (): PartialReading {
      const stat = files.text(`${roots.proc}/stat`)
      const online = coresIn(stat)
      const { cpus } = limits.read()
      room = Math.min(online, cpus ?? online)
      const contained = cpus === null ? null : limits.cpuSeconds()
      const counters = { ...ticksOf(stat), own: processes.ticks(), contained }
      return { cpu: { ...shares(counters), load: load(host, online), cores: room } }
    }
  }
}
