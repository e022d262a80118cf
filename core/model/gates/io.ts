import type { Gate, GateInput, GateResult } from '../conditions/gate.ts'
import { below, resultToShow, pressed } from '../conditions/below.ts'
import { othersIo, othersPressure } from '../machine/others.ts'

const pressure = (ask: GateInput): GateResult | null =>
  pressed(ask, {
    gate: 'io',
    load: 'io_pressure',
    words: share => `programs wait for a disk ${share} of the time`,
    busy: 'io_pressure',
    observed: othersPressure(ask.reading, 'io'),
    mean: ask.reading.trends?.io_pressure?.mean
  })

/** Closed while other programs keep the busiest disk busy, or wait for one, beyond the limits of `resources`, or beyond
 *  the task's own limit, which replaces both. */
export const io: Gate = ask => {
  const asked = ask.task?.constraints.io_below
  const busy = below(ask, {
    gate: 'io',
    load: 'io',
    words: share => `other programs keep a disk busy ${share} of the time`,
    busy: 'io_busy',
    observed: othersIo(ask.reading).busy,
    mean: ask.reading.trends?.io?.mean,
    own: { name: 'io_below', value: asked }
  })
  return asked === undefined ? resultToShow(busy, pressure(ask)) : busy
}
