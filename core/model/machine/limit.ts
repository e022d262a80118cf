import { milliseconds } from '../base/duration.ts'
import { profileOf, supplyOf } from './power.ts'
import type { Config } from '../config/config.ts'
import type { LoadName, Reading } from './reading.ts'

/** A limit that stands for every task, and where it is written. */
interface GeneralLimit {
  value: number
  source: string
}

type Rules = Pick<Config, 'resources' | 'power' | 'scheduling'>

/** The lower of a limit of `resources` and that of the power profile in force. A limit of 1 in `resources` says that
 *  load does not matter, on mains. */
function lower (name: 'cpu_limit' | 'network_limit', reading: Reading, { resources, power }: Rules): GeneralLimit {
  const profile = profileOf(reading, { power })
  const { [name]: own } = power.power_profiles[profile]
  const general = resources[name]
  const isOff = general >= 1 && profile === 'charging'
  return own < general && !isOff
    ? { value: own, source: `/power/power_profiles/${profile}/${name}` }
    : { value: general, source: `/resources/${name}` }
}

const resource = (name: 'memory_limit' | 'io_limit') => (_: Reading, { resources }: Rules): GeneralLimit => ({
  value: resources[name],
  source: `/resources/${name}`
})

/** Waiting for a resource whose use does not matter does not matter either. */
const pressure = (kind: 'cpu' | 'memory' | 'io') => (_: Reading, { resources }: Rules): GeneralLimit => ({
  value: resources[`${kind}_limit`] >= 1 ? 1 : resources[`${kind}_pressure_limit`],
  source: `/resources/${kind}_pressure_limit`
})

const LIMITS: Partial<Record<LoadName, (reading: Reading, config: Rules) => GeneralLimit>> = {
  cpu: (reading, config) => lower('cpu_limit', reading, config),
  memory: resource('memory_limit'),
  io: resource('io_limit'),
  // A share of the line, as the gate compares it.
  network: (reading, config) => lower('network_limit', reading, config),
  cpu_pressure: pressure('cpu'),
  memory_pressure: pressure('memory'),
  io_pressure: pressure('io')
}

/** The limit that stands for every task; null for a load without one. The limit of the network is a share of
 *  resources.network_capacity. */
export const generalLimit = (load: LoadName, reading: Reading, config: Rules): GeneralLimit | null =>
  LIMITS[load]?.(reading, config) ?? null

/** How long a load has been at its general limit, ms, where that is so long that the limit holds nothing any more:
 *  on mains, and longer than scheduling.load_patience; else null. */
export function lastingLoad (load: LoadName, reading: Reading, config: Pick<Config, 'scheduling'>): number | null {
  const lasted = reading.trends?.[load]?.lasted ?? null
  if (lasted === null || lasted < milliseconds(config.scheduling.load_patience)) return null
  return supplyOf(reading).feed === 'mains' ? lasted : null
}
