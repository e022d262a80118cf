import { UNKNOWN, known } from './reading.ts'
import type { Maybe, Reading } from './reading.ts'

const without = (whole: Maybe<number>, own: Maybe<number> | undefined): Maybe<number> =>
  known(whole) ? Math.max(0, whole - (own === undefined || !known(own) ? 0 : own)) : whole

/** Share of the processors that other programs use, without offpeak's own. */
export const othersBusy = ({ cpu: { busy, own } }: Pick<Reading, 'cpu'>): Maybe<number> => without(busy, own)

/** Share of the memory that other programs use. */
export const othersMemory = ({ memory: { used, own } }: Pick<Reading, 'memory'>): Maybe<number> => without(used, own)

/** How busy other programs keep the busiest disk, 0 to 1, and their bytes per second. */
export const othersIo = ({ io }: Pick<Reading, 'io'>): { busy: Maybe<number>, bytes_per_s: Maybe<number> } => ({
  busy: without(io.busy, io.own),
  bytes_per_s: without(io.bytes_per_s, io.own_bytes_per_s)
})

/** Bytes per second that other programs move over the network. */
export const othersNetwork = ({ network }: Pick<Reading, 'network'>): Maybe<number> =>
  without(network.bytes_per_s, network.own_bytes_per_s)

/** The share of others in a whole, 0 to 1; 1 where the whole is 0. */
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

/** Share of the time, 0 to 1, in which some program waited for a resource because of other programs. The kernel does
 *  not report the cause, so pressure counts in proportion to the use by others; unknown while that use is unknown. */
export function othersPressure (reading: Reading, kind: keyof Reading['pressure']): Maybe<number> {
  const { some } = reading.pressure[kind]
  const part = PARTS[kind](reading)
  return known(some) && known(part) ? Math.min(1, some / 100) * part : UNKNOWN
}
