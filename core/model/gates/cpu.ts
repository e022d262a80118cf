import type { Gate } from './gate.ts'
import { below } from './below.ts'
import { othersBusy } from '../machine/idle.ts'
import { profileOf } from '../machine/power.ts'

/** Closed while others use more of the processors than the power profile or resources.cpu_limit allow, whichever is less, or than the task's own limit. */
export const cpu: Gate = ({ task, reading, config, relaxed }) => {
  const profile = profileOf(reading, config)
  const { cpu_limit: limit } = config.power.power_profiles[profile]
  const general = config.resources.cpu_limit
  return below({
    gate: 'cpu',
    words: share => `other programs use ${share} of the processors`,
    busy: 'cpu_busy',
    observed: othersBusy(reading),
    own: { name: 'cpu_below', value: task?.constraints.cpu_below },
    standard: limit < general ? { value: limit, source: `/power/power_profiles/${profile}/cpu_limit` } : { value: general, source: '/resources/cpu_limit' },
    relaxed
  })
}
