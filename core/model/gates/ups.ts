import type { Gate } from '../conditions/gate.ts'
import { READ } from '../conditions/gate.ts'
import { seconds } from '../base/duration.ts'
import { upsEnding } from '../machine/power.ts'

/** Closed while a UPS on battery may end its supply soon, also to runs past their deadline. */
export const ups: Gate = ({ reading, config }) => {
  const words = upsEnding(reading, config)
  if (words === null) return null
  return {
    gate: 'ups',
    ok: false,
    code: 'ups_ending',
    message: `on UPS battery (${words}), only critical work starts`,
    observed: reading.ups!.seconds_left,
    required: seconds(config.power.ups_runtime),
    ...READ,
    source: '/power/ups_runtime'
  }
}
