import { SECOND, seconds, spanWords } from '../base/duration.ts'
import { UNKNOWN, known } from './reading.ts'
import type { Config } from '../config/config.ts'
import type { Maybe, Reading } from './reading.ts'
import type { Profile } from '../base/profile.ts'

export type { Profile } from '../base/profile.ts'

/** The power source. A machine without a known battery is on mains; one with a battery and an unknown source is on
 *  battery. */
type Feed = 'mains' | 'battery' | 'ups'

/** The power source and, in percent, the level of the battery in use or in reserve. `battery`: whether it has one. */
export interface Supply {
  feed: Feed
  level: Maybe<number>
  charging: Maybe<boolean>
  battery: boolean
}

const hasBattery = ({ battery: { present, level } }: Reading): boolean =>
  present === true || (!known(present) && known(level))

/** The power supply in a reading. */
export function supplyOf (reading: Reading): Supply {
  const { power, ups, battery: { level, charging } } = reading
  const battery = hasBattery(reading)
  if (ups !== null && (ups.on_battery === true || ups.warning === 'shutdown')) {
    return { feed: 'ups', level: ups.level, charging: false, battery }
  }
  const onMains = power === 'mains' || !battery && power === UNKNOWN
  return { feed: onMains ? 'mains' : 'battery', level: battery || !onMains ? level : UNKNOWN, charging, battery }
}

const WARNINGS = {
  low_battery: 'battery low',
  shutdown: 'shutting down',
  silent: 'not answering'
}

/** Why the UPS in use may end its supply soon, in words, or null: it warns, it lasts for less than power.ups_runtime,
 *  or it no longer answers. */
export function upsEnding (reading: Reading, { power }: Pick<Config, 'power'>): string | null {
  const { ups } = reading
  if (ups === null || supplyOf(reading).feed !== 'ups') return null
  if (ups.warning) return WARNINGS[ups.warning]
  const { seconds_left: left } = ups
  return known(left) && left < seconds(power.ups_runtime) ? `${spanWords(left * SECOND)} left` : null
}

/** The power profile of a reading. A battery of unknown level counts as battery_low. */
export function profileOf (
  reading: Reading,
  { power: { battery_thresholds: thresholds } }: Pick<Config, 'power'>
): Profile {
  const { feed, level } = supplyOf(reading)
  if (feed === 'ups') return 'ups'
  if (feed === 'mains') return 'charging'
  if (!known(level)) return 'battery_low'
  if (level <= thresholds.critical) return 'battery_critical'
  return level <= thresholds.low ? 'battery_low' : 'battery_normal'
}

/** True on mains with a battery at `from` percent or more, of unknown level, held by a charge limit, or absent. */
export function isCharged ({ feed, level, charging, battery }: Supply, from: number): boolean {
  if (feed !== 'mains') return false
  return !battery || !known(level) || level >= from || charging === false
}

/** Whether a setting of slots is in force under a power profile. */
export const inForce = (regime: Config['scheduling']['priority_slots'], profile: Profile): boolean =>
  regime === 'always' || (regime === 'on_battery' && profile !== 'charging')
