import type { Gate } from '../conditions/gate.ts'
import { below } from '../conditions/below.ts'
import { known } from '../machine/reading.ts'
import { othersNetwork } from '../machine/others.ts'

/** Closed while other programs use more of the network than the power profile or resources.network_limit allows; null
 *  while resources.network_capacity is not set. */
export const bandwidth: Gate = ask => {
  const { network_capacity: capacity } = ask.config.resources
  if (capacity === null) return null
  const rate = othersNetwork(ask.reading)
  const mean = ask.reading.trends?.network?.mean
  return below(ask, {
    gate: 'bandwidth',
    load: 'network',
    words: share => `other programs use ${share} of the network`,
    busy: 'network_busy',
    observed: known(rate) ? rate / capacity : rate,
    mean: mean === undefined ? undefined : mean / capacity
  })
}
