import type { Gate } from './gate.ts'
import { READ, inDefinition } from './gate.ts'
import { isCharged, supplyOf } from '../machine/power.ts'
import { known } from '../machine/reading.ts'

const FEED_WORDS = { mains: 'on mains', battery: 'on battery', ups: 'on the battery of the UPS' }

/** Closed while the machine is not fed as the task asks for. `charging`: on mains with the battery filling, or well
 *  filled, or absent. */
export const power: Gate = ({ task, reading, config }) => {
  const asked = task?.constraints.power
  if (asked === undefined || asked === 'any') return null
  const supply = supplyOf(reading)
  const facts = { gate: 'power', required: asked, observed: supply.feed, ...READ, source: inDefinition('power') }
  if (supply.feed !== 'mains') {
    const unsure = supply.feed === 'battery' && !known(reading.power)
    const message = unsure
      ? 'nobody can tell whether the machine is on mains, and it has a battery'
      : FEED_WORDS[supply.feed]
    return { ...facts, ok: false, code: unsure ? 'power_unknown' : 'on_battery', message }
  }
  if (asked === 'mains') return { ...facts, ok: true, code: 'ok', message: FEED_WORDS.mains }
  const ok = supply.charging === true || isCharged(supply, config.power.battery_thresholds.high)
  return {
    ...facts,
    ok,
    code: ok ? 'ok' : 'not_charging',
    message: ok ? 'on mains, charging or charged' : 'on mains, but the battery does not fill'
  }
}
