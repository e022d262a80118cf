import { existsSync } from 'node:fs'
import { OwedBytes, busiest } from '../source/own-disk.ts'
import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { numbersOf, share } from '../source/number.ts'
import { rates, rise } from '../source/rate.ts'
import type { Change } from '../source/rate.ts'
import type { SensorHost, PartialReading, Sensor } from '../source/sensor-host.ts'
import type { OwnProcesses } from '../source/process-tree.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Worked } from '../source/own-disk.ts'

const SECTOR_BYTES = 512
/** Devices on other disks, where their work is counted, or in memory. */
const BORROWED = /^(?:loop|ram|zram|dm-|md|sr|fd|nbd|drbd)\d/
const PART = /^(?:(?:sd|hd|vd|xvd)[a-z]+\d+|(?:nvme\d+n|mmcblk)\d+p\d+)$/

interface Disk {
  sectors: number
  busyMs: number
}
type Answer = Reading['io']

const NONE: Answer = { busy: UNKNOWN, bytes_per_s: UNKNOWN }

/** Lines of /proc/diskstats (Documentation/admin-guide/iostats.rst): major minor name, then reads merged sectors ms,
 *  writes merged sectors ms, in flight, busy ms. */
function disksIn (text: string, isWhole: (name: string) => boolean): Map<string, Disk> {
  const disks = new Map<string, Disk>()
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at)
    let start = at
    for (let column = 0; column < 2; column++) {
      while (text[start] === ' ') start++
      while (start < end && text[start] !== ' ') start++
    }
    const after = text.indexOf(' ', start + 1)
    const name = text.slice(start + 1, after)
    if (after > 0 && after < end && isWhole(name)) {
      const [, , read, , , , written, , , busyMs] = numbersOf(text, after)
      disks.set(name, { sectors: (read ?? NaN) + (written ?? NaN), busyMs: busyMs ?? NaN })
    }
    at = end + 1
  }
  return disks
}

/** Selects whole disks: those in /sys/block or, if that is hidden, those without the name of a partition. */
function wholeDisks (folder: string): (name: string) => boolean {
  const known = new Map<string, boolean>()
  return name => {
    const isKnown = known.get(name)
    if (isKnown !== undefined) return isKnown
    const whole = !BORROWED.test(name) && (existsSync(folder) ? existsSync(`${folder}/${name}`) : !PART.test(name))
    known.set(name, whole)
    return whole
  }
}

/** Counters of all disks, and the bytes that processes of offpeak have requested from disks; null if unknown. */
interface Counters {
  disks: Map<string, Disk>
  own: number | null
}

/** The disks in both samples whose counters have not decreased. */
function worked ({ now, before, seconds }: Change<Counters, Answer>): Worked[] | null {
  const both = [...now.disks].filter(([name]) => before.disks.has(name))
  const all = both.map(([name, disk]) => {
    const busy = rise(disk.busyMs, before.disks.get(name)!.busyMs)
    const sectors = rise(disk.sectors, before.disks.get(name)!.sectors)
    return busy === null || sectors === null ? null : { bytes: sectors * SECTOR_BYTES, busy: busy / (seconds * SECOND) }
  })
  return all.length === 0 || all.includes(null) ? null : all as Worked[]
}

/** The load of the busiest disk and the bytes per second of all, with the share of offpeak. */
export function ioSensor ({ files, roots, clock }: SensorHost, processes?: OwnProcesses): Sensor {
  const isWhole = wholeDisks(`${roots.sys}/block`)
  const owed = new OwedBytes()
  const answer = rates<Counters, Answer>({
    clock,
    none: NONE,
    derive: change => {
      const disks = worked(change)
      if (disks === null) return NONE
      const { now, before, seconds } = change
      const moved = disks.reduce((sum, { bytes }) => sum + bytes, 0)
      const requested = now.own === null || before.own === null ? null : now.own - before.own
      const own = requested === null ? 0 : owed.settle({ asked: requested, moved, passedMs: seconds * SECOND })
      const { busy, own: ownBusy } = busiest(disks, own)
      const whole = { busy: share(busy), bytes_per_s: moved / seconds }
      return requested === null ? whole : { ...whole, own: share(ownBusy), own_bytes_per_s: own / seconds }
    }
  })
  const ownBytes = (): number | null => {
    const moved = processes?.moved() ?? null
    return moved === null ? null : [...moved.values()].reduce((sum, { disk }) => sum + disk, 0)
  }
  return {
    everyMs: 0,
    read (): PartialReading {
      const text = files.optional(`${roots.proc}/diskstats`)
      return { io: text === null ? NONE : answer({ disks: disksIn(text, isWhole), own: ownBytes() }) }
    }
  }
}
