import { SECOND } from '../../model/base/duration.ts'

/** What was written reaches the disk within half a minute or so; what has not by then, on a network or gone again,
 *  counts for less and less. */
const HALF_LIFE = 30 * SECOND

/** Bytes that offpeak's own processes have asked disks for and that the disks have not moved yet. */
export class OwedBytes {
  #owed = 0

  /** After so many more were asked for: how many of the bytes that the disks have moved meanwhile are these. */
  settle ({ asked, moved, passedMs }: { asked: number, moved: number, passedMs: number }): number {
    const owed = this.#owed * 0.5 ** (passedMs / HALF_LIFE) + Math.max(0, asked)
    const own = Math.min(owed, moved)
    this.#owed = owed - own
    return own
  }
}

/** One disk over a span of time: the bytes that it moved, and the share of the time in which it had work. */
export interface Worked {
  bytes: number
  busy: number
}

/** How busy the busiest disk is, and the part of that which would be gone without `own` bytes: these are taken to
 *  lie where most was moved. */
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
