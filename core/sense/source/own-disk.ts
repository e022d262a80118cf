import { SECOND } from '../../model/base/duration.ts'

/** Written data reaches the disk within about half a minute. Data that does not, because it is on a network or was
 *  removed, decays. */
const HALF_LIFE = 30 * SECOND

/** Bytes that processes of offpeak have requested and that the disks have not transferred yet. */
export class OwedBytes {
  #owed = 0

  /** Adds `asked` requested bytes, and returns how many of the `moved` bytes belong to offpeak. */
  settle ({ asked, moved, passedMs }: { asked: number, moved: number, passedMs: number }): number {
    const owed = this.#owed * 0.5 ** (passedMs / HALF_LIFE) + Math.max(0, asked)
    const own = Math.min(owed, moved)
    this.#owed = owed - own
    return own
  }
}

/** One disk over a period: the bytes transferred, and the share of the time in which it was busy. */
export interface Worked {
  bytes: number
  busy: number
}

/** The load of the busiest disk, and the part of it that `own` bytes cause. These are attributed to the disk with the
 *  most transferred bytes. */
export function busiest (disks: readonly Worked[], own: number): { busy: number, own: number } {
  let left = own
  let others = 0
  for (const { bytes, busy } of disks.toSorted((a, b) => b.bytes - a.bytes)) {
    const taken = Math.min(left, bytes)
    left -= taken
    others = Math.max(others, bytes > 0 ? busy * (1 - taken / bytes) : busy)
  }
  const busy = Math.max(...disks.map(disk => disk.busy))
  return { busy, own: Math.max(0, busy - others) }
}
