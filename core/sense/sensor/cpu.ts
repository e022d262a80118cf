import { UNKNOWN } from '../../model/machine/reading.ts'
import { numbersOf, plainNumber, share } from '../source/number.ts'
import { OwnProcesses } from '../source/process-tree.ts'
import { rates, rise } from '../source/rate.ts'
import type { Maybe } from '../../model/machine/reading.ts'
import type { Files } from '../source/files.ts'
import type { SensorHost, PartialReading, Roots, Sensor } from '../source/sensor-host.ts'
import type { Limits } from '../source/cgroup.ts'

/** The kernel counts processor time for programs in hundredths of a second on every machine (USER_HZ, time(7)). */
const TICKS = 100

interface Counters {
  /** Ticks of all cores. */
  total: number
  /** Ticks without work; waiting for a disk is without work. */
  idle: number
  /** Ticks of programs that run niced. */
  niced: number
  /** Ticks of this process and what it started. */
  own: number | null
  /** Seconds that the container has used, where it has a share of its own. */
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

/** The processors that are on: cpu0, cpu1, … below /proc/stat's sum. */
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

/** What a container has used of its share, or the machine of its processors, and what niced programs have used
 *  beside it. */
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

/** Processor shares from /proc/stat, of all cores, or of the container's share of them when it has a limit. */
export function cpuSensor (ground: SensorHost, limits: Limits, processes = new OwnProcesses(ground)): Sensor {
  const { files, roots, clock } = ground
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
      return { cpu: { ...shares(counters), load: load(ground, online), cores: room } }
    }
  }
}
