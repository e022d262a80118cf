import { known } from './reading.ts'
import { othersBusy, othersIo, othersNetwork } from './others.ts'
import { seconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { Maybe, Reading } from './reading.ts'

/** Why a machine is not idle: a user, or the resource that is busy. */
type Bustle = 'user' | 'cpu' | 'network' | 'io'

const above = (value: Maybe<number>, limit: number) => known(value) && value > limit

/** Why the machine is not idle, or null when it is: idle for `after` seconds or more, with quiet processors, network
 *  and disks. Unknown values do not count. */
export function bustleOf (
  reading: Reading,
  { activity }: Pick<Config, 'activity'>,
  after = seconds(activity.idle_after)
): Bustle | null {
  if (known(reading.idle_seconds) && reading.idle_seconds < after) return 'user'
  if (above(othersBusy(reading), activity.cpu_below)) return 'cpu'
  if (above(othersNetwork(reading), activity.network_below)) return 'network'
  return above(othersIo(reading).bytes_per_s, activity.io_below) ? 'io' : null
}

/** True when the machine is idle and its idle time or its processor use is known. */
export const isIdle = (reading: Reading, config: Pick<Config, 'activity'>): boolean =>
  bustleOf(reading, config) === null && (known(reading.idle_seconds) || known(reading.cpu.busy))
