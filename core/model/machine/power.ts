import { SECOND, seconds, spanWords } from '../base/duration.ts'
import { UNKNOWN, known } from './reading.ts'
import type { Config } from '../config/config.ts'
import type { Maybe, Reading } from './reading.ts'
import type { Profile } from '../base/profile.ts'

export type { Profile } from '../base/profile.ts'

/** What feeds the machine. No battery, or none that anyone knows of, means mains; a battery whose source of power
 *  nobody knows is used. */
type Feed = 'mains' | 'battery' | 'ups'

/** What feeds the machine, and the level in percent of the battery that does, or would. */
export interface Supply {
  feed: Feed
  level: Maybe<number>
  charging: Maybe<boolean>
  battery: boolean
}

const hasBattery = ({ battery: { present, level } }: Reading): boolean =>
  present === true || (!known(present) && known(level))

/** What feeds the machine. */
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

/** Why a UPS that feeds the machine may end its supply soon, in words, or null: it says so, it can go on for less
 *  than power.ups_runtime, or it does not answer any more. */
export function upsEnding (reading: Reading, { power }: Pick<Config, 'power'>): string | null {
  const { ups } = reading
  if (ups === null || supplyOf(reading).feed !== 'ups') return null
  if (ups.warning) return WARNINGS[ups.warning]
  const { seconds_left: left } = ups
  return known(left) && left < seconds(power.ups_runtime) ? `${spanWords(left * SECOND)} left` : null
}

/** The profile that fits a reading. A battery whose level nobody knows has the conservative battery_low. */
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

/** True on mains while the battery fills, is well filled, or is kept from filling further by a charge limit. */
export function isCharged ({ feed, level, charging, battery }: Supply, from: number): boolean {
  if (feed !== 'mains') return false
  return !battery || !known(level) || level >= from || charging === false
}

/** Whether a number of slots counts under its regime. */
export const inForce = (regime: Config['scheduling']['priority_slots'], profile: Profile): boolean =>
  regime === 'always' || (regime === 'on_battery' && profile !== 'charging')
