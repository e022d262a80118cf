import { known } from './reading.ts'
import { othersBusy, othersIo, othersNetwork } from './others.ts'
import { seconds } from '../base/duration.ts'
import type { Config } from '../config/config.ts'
import type { Maybe, Reading } from './reading.ts'

/** Why a machine is not idle: someone is there, or something is going on. */
type Bustle = 'user' | 'cpu' | 'network' | 'io'

const above = (value: Maybe<number>, limit: number) => known(value) && value > limit

/** What keeps the machine from being idle, or null. Nobody has touched it for `after` seconds, or nobody can tell
 *  whether someone did; processors, network and disks are quiet as far as they are known. */
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

/** True when someone or something is known to leave the machine alone; a machine that tells nothing is not known to
 *  be idle. */
export const isIdle = (reading: Reading, config: Pick<Config, 'activity'>): boolean =>
  bustleOf(reading, config) === null && (known(reading.idle_seconds) || known(reading.cpu.busy))
