import type { Gate } from './gate.ts'
import { READ } from './gate.ts'
import { seconds } from '../base/duration.ts'
import { upsEnding } from '../machine/power.ts'

/** Closed on a UPS that may end its supply soon: a deadline is no reason to start what the next minute cuts off. */
export const ups: Gate = ({ reading, config }) => {
  const words = upsEnding(reading, config)
  if (words === null) return null
  return {
    gate: 'ups',
    ok: false,
    code: 'ups_ending',
    message: `on the battery of the UPS, and ${words}: only critical work starts`,
    observed: reading.ups!.seconds_left,
    required: seconds(config.power.ups_runtime),
    ...READ,
    source: '/power/ups_runtime'
  }
}
