import { isCharged, profileOf, supplyOf } from '../machine/power.ts'
import { isIdle } from '../machine/idle.ts'
import { othersBusy, othersMemory } from '../machine/others.ts'
import { known } from '../machine/reading.ts'
import type { Class } from '../task/constraint.ts'
import type { Config } from '../config/config.ts'
import type { Maybe, Reading } from '../machine/reading.ts'

export const RECOMMENDATIONS = ['process_now', 'defer_cpu_intensive', 'defer_memory_intensive', 'defer_disk_intensive',
  'defer_all_non_critical'] as const
export type Recommendation = typeof RECOMMENDATIONS[number]

const above = (value: Maybe<number>, limit: number) => known(value) && value >= limit

/** The kind of work to defer. More than one scarce resource, or a nearly empty battery, defers all of it. */
export function recommendationFor (reading: Reading, config: Pick<Config, 'resources' | 'power'>): Recommendation {
  const { cpu_limit: cpu, memory_limit: memory, disk_limit: disk } = config.resources
  const short: Recommendation[] = []
  if (above(othersBusy(reading), cpu)) short.push('defer_cpu_intensive')
  if (above(othersMemory(reading), memory)) short.push('defer_memory_intensive')
  if (reading.disks.some(({ used }) => above(used, disk))) short.push('defer_disk_intensive')
  if (short.length > 1 || profileOf(reading, config) === 'battery_critical') return 'defer_all_non_critical'
  return short[0] ?? 'process_now'
}

export const DECISIONS = ['execute_now', 'defer_to_background', 'defer_to_charging'] as const
export type Decision = typeof DECISIONS[number]

/** What power alone suggests for a run, and why. */
export interface Advice {
  decision: Decision
  reason: string
}

const now = (reason: string): Advice => ({ decision: 'execute_now', reason })
const background = (reason: string): Advice => ({ decision: 'defer_to_background', reason })

/** The advice for a class by power and idleness alone. An unknown level counts as the low threshold. */
export function decisionFor (
  kind: Class,
  reading: Reading,
  config: Pick<Config, 'power' | 'classification' | 'activity'>
): Advice {
  if (kind === 'critical') return now('critical work never waits')
  const supply = supplyOf(reading)
  const { thresholds, full_level: full, charging_level: charging } = config.classification
  const level = known(supply.level) ? supply.level : config.power.battery_thresholds.low
  if (kind === 'charging_only') {
    return charged(isCharged(supply, charging) || (supply.feed !== 'mains' && level >= thresholds.charging_only))
  }
  if (supply.feed === 'mains') return now('on mains')
  if (kind === 'background') {
    return level > thresholds.background
      ? now(`battery at ${level} %`)
      : background(`battery at ${level} %, background work needs more than ${thresholds.background} %`)
  }
  if (level > full) return now(`battery at ${level} %`)
  if (level <= thresholds.normal) {
    return background(`battery at ${level} %, normal work needs more than ${thresholds.normal} %`)
  }
  return isIdle(reading, config)
    ? now(`machine idle, battery at ${level} %`)
    : background(`battery at ${level} %, machine in use`)
}

const charged = (yes: boolean): Advice =>
  yes
    ? now('the battery is charged')
    : { decision: 'defer_to_charging', reason: 'needs mains and a charged battery' }
