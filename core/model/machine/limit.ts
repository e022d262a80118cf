import { milliseconds } from '../base/duration.ts'
import { profileOf, supplyOf } from './power.ts'
import type { Config } from '../config/config.ts'
import type { LoadName, Reading } from './reading.ts'

/** A limit for all tasks, and the pointer to its setting. */
interface GeneralLimit {
  value: number
  source: string
}

type Rules = Pick<Config, 'resources' | 'power' | 'scheduling'>

/** The lower of the limit in `resources` and that of the power profile in force. On mains, a limit of 1 in `resources`
 *  disables both. */
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

/** A limit of 1 on the use of a resource also disables the limit on waiting for it. */
const pressure = (kind: 'cpu' | 'memory' | 'io') => (_: Reading, { resources }: Rules): GeneralLimit => ({
  value: resources[`${kind}_limit`] >= 1 ? 1 : resources[`${kind}_pressure_limit`],
  source: `/resources/${kind}_pressure_limit`
})

const LIMITS: Partial<Record<LoadName, (reading: Reading, config: Rules) => GeneralLimit>> = {
  cpu: (reading, config) => lower('cpu_limit', reading, config),
  memory: resource('memory_limit'),
  io: resource('io_limit'),
  // A share of network_capacity, as the gate compares it.
  network: (reading, config) => lower('network_limit', reading, config),
  cpu_pressure: pressure('cpu'),
  memory_pressure: pressure('memory'),
  io_pressure: pressure('io')
}

/** The limit for all tasks; null for a load without one. That of the network is a share of
 *  resources.network_capacity. */
export const generalLimit = (load: LoadName, reading: Reading, config: Rules): GeneralLimit | null =>
  LIMITS[load]?.(reading, config) ?? null

/** How long a load has been at its general limit, ms, when the limit no longer holds runs because of that: on mains,
 *  after scheduling.load_patience. Otherwise null. */
export function lastingLoad (load: LoadName, reading: Reading, config: Pick<Config, 'scheduling'>): number | null {
  const lasted = reading.trends?.[load]?.lasted ?? null
  if (lasted === null || lasted < milliseconds(config.scheduling.load_patience)) return null
  return supplyOf(reading).feed === 'mains' ? lasted : null
}
