import type { Gate } from '../conditions/gate.ts'
import { READ, inDefinition } from '../conditions/gate.ts'
import { isCharged, supplyOf } from '../machine/power.ts'
import { known } from '../machine/reading.ts'
import type { Maybe } from '../machine/reading.ts'

const FEED_WORDS = { mains: 'on mains', battery: 'on battery', ups: 'on UPS battery' }
const NEEDS_WORDS = { mains: 'mains', charging: 'mains and a charging battery' }

const levelWords = (level: Maybe<number>): string => known(level) ? ` (${Math.round(level)} %)` : ''

/** The constraint `power`: closed while the power source is not what the task needs. `charging`: on mains with a
 *  battery that charges, is full enough, or is absent. The gate `battery` is about the class of the run, `charge` about
 *  a level of the task. */
export const power: Gate = ({ task, reading, config }) => {
  const asked = task?.constraints.power
  if (asked === undefined || asked === 'any') return null
  const supply = supplyOf(reading)
  const facts = { gate: 'power', required: asked, observed: supply.feed, ...READ, source: inDefinition('power') }
  if (supply.feed !== 'mains') {
    const unsure = supply.feed === 'battery' && !known(reading.power)
    const message = unsure
      ? `cannot tell whether the machine is on mains, needs ${NEEDS_WORDS[asked]}`
      : `${FEED_WORDS[supply.feed]}${levelWords(supply.level)}, needs ${NEEDS_WORDS[asked]}`
    return { ...facts, ok: false, code: unsure ? 'power_unknown' : 'on_battery', message }
  }
  if (asked === 'mains') return { ...facts, ok: true, code: 'ok', message: FEED_WORDS.mains }
  const ok = supply.charging === true || isCharged(supply, config.power.battery_thresholds.high)
  return {
    ...facts,
    ok,
    code: ok ? 'ok' : 'not_charging',
    message: ok ? 'on mains, charging or charged' : 'on mains, but the battery is not charging'
  }
}
