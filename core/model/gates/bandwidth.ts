import type { Gate } from './gate.ts'
import { below } from './below.ts'
import { known } from '../machine/reading.ts'
import { profileOf } from '../machine/power.ts'

/** Closed while more of the line is in use than the power profile or resources.network_limit allow; nothing while its capacity is not configured. */
export const bandwidth: Gate = ({ reading, config, relaxed }) => {
  const { network_capacity: capacity, network_limit: general } = config.resources
  if (capacity === null) return null
  const profile = profileOf(reading, config)
  const { network_limit: limit } = config.power.power_profiles[profile]
  const rate = reading.network.bytes_per_s
  return below({
    gate: 'bandwidth',
    words: share => `${share} of the line is in use`,
    busy: 'network_busy',
    observed: known(rate) ? rate / capacity : rate,
    own: { name: '', value: undefined },
    standard: limit < general ? { value: limit, source: `/power/power_profiles/${profile}/network_limit` } : { value: general, source: '/resources/network_limit' },
    relaxed
  })
}
