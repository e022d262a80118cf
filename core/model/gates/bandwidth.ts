import type { Gate } from './gate.ts'
import { below } from './below.ts'
import { known } from '../machine/reading.ts'
import { othersNetwork } from '../machine/others.ts'

/** Closed while others use more of the line than the power profile or resources.network_limit allow; nothing while
 *  its capacity is not configured. */
export const bandwidth: Gate = ask => {
  const { network_capacity: capacity } = ask.config.resources
  if (capacity === null) return null
  const rate = othersNetwork(ask.reading)
  const mean = ask.reading.trends?.network?.mean
  return below(ask, {
    gate: 'bandwidth',
    load: 'network',
    words: share => `other programs use ${share} of the line`,
    busy: 'network_busy',
    observed: known(rate) ? rate / capacity : rate,
    mean: mean === undefined ? undefined : mean / capacity
  })
}
