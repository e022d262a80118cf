import type { Gate, GateInput, GateResult } from '../conditions/gate.ts'
import { below, resultToShow, pressed } from '../conditions/below.ts'
import { othersBusy, othersPressure } from '../machine/others.ts'

const pressure = (ask: GateInput): GateResult | null =>
  pressed(ask, {
    gate: 'cpu',
    load: 'cpu_pressure',
    words: share => `programs wait for a processor ${share} of the time`,
    busy: 'cpu_pressure',
    observed: othersPressure(ask.reading, 'cpu'),
    mean: ask.reading.trends?.cpu_pressure?.mean
  })

/** Closed while other programs use the processors, or wait for one, beyond the limits of the power profile and
 *  `resources`, or beyond the task's own limit, which replaces both. */
export const cpu: Gate = ask => {
  const asked = ask.task?.constraints.cpu_below
  const busy = below(ask, {
    gate: 'cpu',
    load: 'cpu',
    words: share => `other programs use ${share} of the processors`,
    busy: 'cpu_busy',
    observed: othersBusy(ask.reading),
    mean: ask.reading.trends?.cpu?.mean,
    own: { name: 'cpu_below', value: asked }
  })
  return asked === undefined ? resultToShow(busy, pressure(ask)) : busy
}
