import { UNKNOWN, known } from '../../model/machine/reading.ts'
import { plainNumber } from '../source/number.ts'
import type { Maybe, PowerSource, Reading } from '../../model/machine/reading.ts'

/** One entry of /sys/class/power_supply (Documentation/ABI/testing/sysfs-class-power): its attributes by lower-case
 *  name, without the prefix. */
export type Supply = Record<string, string>

type Battery = Reading['battery']
const HOUR_SECONDS = 3600

const number = (supply: Supply, ...names: string[]): number | null => {
  for (const name of names) {
    const value = plainNumber(supply[name])
    if (value !== null) return value
  }
  return null
}

/** Batteries of mice, headsets and pens have the scope `Device`. */
const isOfMachine = (supply: Supply) => supply.scope !== 'Device'
const isBattery = (supply: Supply) => supply.type === 'Battery' && isOfMachine(supply) && supply.present !== '0'
const isMains = (supply: Supply) =>
  supply.type !== 'Battery' && supply.type !== 'UPS' && supply.online !== undefined && isOfMachine(supply)

const fullOf = (supply: Supply) =>
  number(supply, 'energy_full', 'charge_full', 'energy_full_design', 'charge_full_design')
const nowOf = (supply: Supply) => number(supply, 'energy_now', 'charge_now')

function levelOf (supply: Supply): number | null {
  const value = number(supply, 'capacity')
  const full = fullOf(supply)
  const now = nowOf(supply)
  const percent = value ?? (full !== null && full > 0 && now !== null ? 100 * now / full : null)
  return percent === null || percent < 0 ? null : Math.min(100, percent)
}

/** The level of all batteries, weighted by their capacity. Unknown if one of them is unknown. */
function level (batteries: readonly Supply[]): Maybe<number> {
  const levels = batteries.map(levelOf)
  if (levels.length === 0 || levels.includes(null)) return UNKNOWN
  const sizes = batteries.map(fullOf)
  const even = sizes.some(size => size === null || size <= 0)
  const weights = even ? sizes.map(() => 1) : sizes as number[]
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return levels.reduce<number>((total, value, index) => total + value! * weights[index]! / sum, 0)
}

/** The seconds until empty at the current rate. */
function secondsLeft (batteries: readonly Supply[]): Maybe<number> {
  const draining = batteries.filter(supply => supply.status === 'Discharging')
  if (draining.length === 0) return UNKNOWN
  // Some drivers report the current rate as a negative number.
  const rates = draining.map(supply => Math.abs(number(supply, 'power_now', 'current_now') ?? 0))
  const rate = rates.reduce((sum, value) => sum + value, 0)
  const rest = batteries.map(nowOf)
  if (rate > 0 && !rest.includes(null)) {
    return Math.round(rest.reduce<number>((sum, value) => sum + value!, 0) / rate * HOUR_SECONDS)
  }
  const value = number(draining[0]!, 'time_to_empty_now', 'time_to_empty_avg')
  return value !== null && value > 0 && draining.length === 1 ? value : UNKNOWN
}

function charging (batteries: readonly Supply[]): Maybe<boolean> {
  const states = batteries.map(supply => supply.status ?? 'Unknown')
  if (states.includes('Charging')) return true
  return states.every(state => state === 'Unknown') ? UNKNOWN : false
}

function source (batteries: readonly Supply[], mains: readonly Supply[]): Maybe<PowerSource> {
  if (batteries.length === 0) return 'mains'
  const states = new Set(batteries.map(supply => supply.status))
  if (mains.some(supply => supply.online === '1' || supply.online === '2')) return 'mains'
  // The kernel does not list the charger, or lists it wrongly.
  if (states.has('Charging')) return 'mains'
  if (mains.some(supply => supply.online === '0') || states.has('Discharging')) return 'battery'
  return states.has('Full') || states.has('Not charging') ? 'mains' : UNKNOWN
}

/** A UPS that the kernel lists beside the batteries, or null. */
function upsOf (supplies: readonly Supply[]): Reading['ups'] {
  const ups = supplies.find(supply => supply.type === 'UPS')
  if (ups === undefined) return null
  const runs = number(ups, 'time_to_empty_now')
  const states: Record<string, boolean> = { Discharging: true, Charging: false, Full: false, 'Not charging': false }
  return {
    on_battery: states[ups.status ?? ''] ?? UNKNOWN,
    level: levelOf(ups) ?? UNKNOWN,
    seconds_left: runs ?? UNKNOWN
  }
}

/** The state of all supplies together. A machine without a battery is on mains. */
export function powerOf (
  supplies: readonly Supply[]
): { power: Maybe<PowerSource>, battery: Battery, ups?: NonNullable<Reading['ups']> } {
  const batteries = supplies.filter(isBattery)
  const ups = upsOf(supplies)
  const power = source(batteries, supplies.filter(isMains))
  const none: Battery = { present: false, level: UNKNOWN, charging: UNKNOWN, seconds_left: UNKNOWN }
  const battery = batteries.length === 0
    ? none
    : {
      present: true,
      level: level(batteries),
      charging: charging(batteries),
      seconds_left: known(power) && power === 'mains' ? UNKNOWN : secondsLeft(batteries)
    }
  return { power, battery, ...ups && { ups } }
}
