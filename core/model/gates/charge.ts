import type { Gate, GateInput, GateResult } from '../conditions/gate.ts'
import { READ, inDefinition, rounded } from '../conditions/gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'
import { relaxedDown } from '../conditions/relaxation.ts'
import { supplyOf } from '../machine/power.ts'

function above (asked: number, { reading, relaxed, config }: GateInput): GateResult {
  const { level, battery } = supplyOf(reading)
  const required = rounded(relaxedDown(asked, relaxed, config.power.battery_thresholds.critical))
  const facts = {
    gate: 'charge',
    required,
    ...READ,
    source: inDefinition('battery_above'),
    ...required !== asked && { relaxed_from: asked }
  }
  if (!known(level)) {
    const message = battery
      ? `battery level unknown, the task needs ${required} %`
      : 'no battery'
    return {
      ...facts,
      ok: !battery,
      code: battery ? 'battery_unknown' : 'ok',
      message,
      observed: battery ? UNKNOWN : null
    }
  }
  const ok = level >= required
  return {
    ...facts,
    ok,
    code: ok ? 'ok' : 'battery_low',
    message: `battery at ${rounded(level)} %, the task needs ${required} %`,
    observed: level
  }
}

function below (asked: number, { reading }: GateInput): GateResult {
  const { feed, level } = supplyOf(reading)
  const ok = feed !== 'mains' && known(level) && level < asked
  const message = feed === 'mains'
    ? 'on mains, the task runs on battery only'
    : known(level)
    ? `battery at ${rounded(level)} %, the task needs less than ${asked} %`
    : 'battery level unknown'
  return {
    gate: 'charge',
    ok,
    code: ok ? 'ok' : 'battery_high',
    message,
    observed: level,
    required: asked,
    ...READ,
    source: inDefinition('battery_below')
  }
}

/** The constraints `battery_above` and `battery_below`: closed while the battery level is not in the range that the
 *  task requires. The gate `battery` is about the class of the run, `power` about the power source. */
export const charge: Gate = ask => {
  const { battery_above: least, battery_below: most } = ask.task?.constraints ?? {}
  const first = least === undefined ? null : above(least, ask)
  return most === undefined || first?.ok === false ? first : below(most, ask)
}
