import type { Gate } from '../conditions/gate.ts'
import { READ, inDefinition, rounded } from '../conditions/gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'

/** Closed while the hottest sensor is at the lower of the general limit and the task's own. Without sensors it is
 *  open. */
export const temperature: Gate = ({ task, reading: { temperature: degrees }, config: { resources } }) => {
  const asked = task?.constraints.temperature_below
  const required = Math.min(asked ?? Infinity, resources.temperature_limit)
  const source = required === asked ? inDefinition('temperature_below') : '/resources/temperature_limit'
  if (!known(degrees)) {
    if (asked === undefined) return null
    return {
      gate: 'temperature',
      ok: true,
      code: 'unknown',
      message: 'temperature unknown (does not hold the run)',
      observed: UNKNOWN,
      required,
      ...READ,
      source
    }
  }
  const ok = degrees < required
  return {
    gate: 'temperature',
    ok,
    code: ok ? 'ok' : 'too_hot',
    message: `${rounded(degrees)} °C, limit ${required} °C`,
    observed: rounded(degrees),
    required,
    ...READ,
    source
  }
}
