import type { Gate, GateInput, GateResult } from './gate.ts'
import { READ, inDefinition, rounded } from './gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'
import { relaxedDown } from './relaxation.ts'
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
      ? `nobody can tell the level of the battery, and the task wants ${required} %`
      : 'there is no battery to be low'
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
    message: `the battery has ${rounded(level)} %, and the task wants ${required} %`,
    observed: level
  }
}

function below (asked: number, { reading }: GateInput): GateResult {
  const { feed, level } = supplyOf(reading)
  const ok = feed !== 'mains' && known(level) && level < asked
  const message = feed === 'mains'
    ? 'on mains, and the task wants a battery'
    : known(level)
    ? `the battery has ${rounded(level)} %, and the task wants less than ${asked} %`
    : 'nobody can tell the level of the battery'
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

/** Closed while the battery is not at the level that the task itself asks for. */
export const charge: Gate = ask => {
  const { battery_above: least, battery_below: most } = ask.task?.constraints ?? {}
  const first = least === undefined ? null : above(least, ask)
  return most === undefined || first?.ok === false ? first : below(most, ask)
}
