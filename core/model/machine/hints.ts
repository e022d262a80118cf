import { known } from './reading.ts'
import { profileOf, supplyOf } from './power.ts'
import type { Config } from '../config/config.ts'
import type { Hints } from '../base/profile.ts'
import type { Reading } from './reading.ts'

export type { Hints } from '../base/profile.ts'

const STEPS = ['full', 'reduced', 'minimal', 'critical'] as const

/** The hints for a reading: full on mains, less with each step that the battery level falls below. An unknown level
 *  counts as the low threshold. */
export function hintsFor (reading: Reading, config: Pick<Config, 'power'>): Hints {
  const { hints, battery_thresholds: thresholds, power_profiles: profiles } = config.power
  const { feed, level } = supplyOf(reading)
  const seen = feed === 'mains' ? 100 : known(level) ? level : thresholds.low
  const step = STEPS.find(name => seen >= hints[name].level) ?? 'critical'
  const profile = profileOf(reading, config)
  const { level: _, ...values } = hints[step]
  return { ...values, cpu_limit: profiles[profile].cpu_limit, network_limit: profiles[profile].network_limit, profile }
}
