import { UNKNOWN, known } from './reading.ts'
import type { Maybe, Reading } from './reading.ts'

const without = (whole: Maybe<number>, own: Maybe<number> | undefined): Maybe<number> =>
  known(whole) ? Math.max(0, whole - (own === undefined || !known(own) ? 0 : own)) : whole

/** Share of the processors that others use: offpeak's own part does not count. */
export const othersBusy = ({ cpu: { busy, own } }: Pick<Reading, 'cpu'>): Maybe<number> => without(busy, own)

/** Share of the memory that others use. */
export const othersMemory = ({ memory: { used, own } }: Pick<Reading, 'memory'>): Maybe<number> => without(used, own)

/** How busy others keep the busiest disk, and the bytes per second that they move. */
export const othersIo = ({ io }: Pick<Reading, 'io'>): { busy: Maybe<number>, bytes_per_s: Maybe<number> } => ({
  busy: without(io.busy, io.own),
  bytes_per_s: without(io.bytes_per_s, io.own_bytes_per_s)
})

/** Bytes per second that others move over the network. */
export const othersNetwork = ({ network }: Pick<Reading, 'network'>): Maybe<number> =>
  without(network.bytes_per_s, network.own_bytes_per_s)

/** The part of a whole that others make; all of it where nothing is used. */
const partOf = (others: Maybe<number>, whole: Maybe<number>): Maybe<number> =>
  !known(others) || !known(whole) ? UNKNOWN : whole > 0 ? Math.min(1, others / whole) : 1

const PARTS: Record<keyof Reading['pressure'], (reading: Reading) => Maybe<number>> = {
  cpu: reading => {
    const { busy, niced = 0 } = reading.cpu
    return partOf(othersBusy(reading), known(busy) && known(niced) ? busy + niced : busy)
  },
  memory: reading => partOf(othersMemory(reading), reading.memory.used),
  io: reading => partOf(othersIo(reading).busy, reading.io.busy)
}

/** Share of the time in which some program waited for a resource, as far as others are the cause: the kernel does
 *  not tell for whom they waited, so it counts in proportion to what others use, and not at all while that is
 *  unknown. */
export function othersPressure (reading: Reading, kind: keyof Reading['pressure']): Maybe<number> {
  const { some } = reading.pressure[kind]
  const part = PARTS[kind](reading)
  return known(some) && known(part) ? Math.min(1, some / 100) * part : UNKNOWN
}
