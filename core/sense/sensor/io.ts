import { existsSync } from 'node:fs'
import { UNKNOWN } from '../../model/machine/reading.ts'
import { numbersOf, share } from '../source/number.ts'
import { rates, rise } from '../source/rate.ts'
import type { Reading } from '../../model/machine/reading.ts'
import type { Ground, Part, Sensor } from '../source/sensor.ts'

const SECTOR_BYTES = 512
/** Stands on another disk, or in memory: its work is counted there, or is none. */
const BORROWED = /^(?:loop|ram|zram|dm-|md|sr|fd|nbd|drbd)\d/
const PART = /^(?:(?:sd|hd|vd|xvd)[a-z]+\d+|(?:nvme\d+n|mmcblk)\d+p\d+)$/

interface Disk { sectors: number, busyMs: number }
type Answer = Reading['io']

const NONE: Answer = { busy: UNKNOWN, bytes_per_s: UNKNOWN }

/** Lines of /proc/diskstats (Documentation/admin-guide/iostats.rst): major minor name, then reads merged sectors ms, writes merged sectors ms, in flight, busy ms. */
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

/** Whole disks alone: what the kernel lists in /sys/block, or, where that is hidden, what is not named as a partition. */
function wholeDisks (folder: string): (name: string) => boolean {
  const known = new Map<string, boolean>()
  return name => {
    const told = known.get(name)
    if (told !== undefined) return told
    const whole = !BORROWED.test(name) && (existsSync(folder) ? existsSync(`${folder}/${name}`) : !PART.test(name))
    known.set(name, whole)
    return whole
  }
}

/** How busy the busiest disk is, and what all of them move. */
export function ioSensor ({ files, roots, clock }: Ground): Sensor {
  const isWhole = wholeDisks(`${roots.sys}/block`)
  const answer = rates<Map<string, Disk>, Answer>({
    clock,
    none: NONE,
    derive: ({ now, before, seconds }) => {
      const both = [...now].filter(([name]) => before.has(name))
      const busy = both.map(([name, disk]) => rise(disk.busyMs, before.get(name)!.busyMs))
      const sectors = both.map(([name, disk]) => rise(disk.sectors, before.get(name)!.sectors))
      const sum = sectors.reduce<number | null>((total, value) => total === null || value === null ? null : total + value, 0)
      return {
        busy: both.length === 0 || busy.includes(null) ? UNKNOWN : share(Math.max(...busy as number[]) / (seconds * 1000)),
        bytes_per_s: both.length === 0 || sum === null ? UNKNOWN : sum * SECTOR_BYTES / seconds
      }
    }
  })
  return {
    everyMs: 0,
    read (): Part {
      const text = files.optional(`${roots.proc}/diskstats`)
      return { io: text === null ? NONE : answer(disksIn(text, isWhole)) }
    }
  }
}
