import type { Gate, GateInput, GateResult } from '../conditions/gate.ts'
import { READ, rounded, shareWords } from '../conditions/gate.ts'
import { below, resultToShow, pressed } from '../conditions/below.ts'
import { isMonitor } from '../conditions/monitor.ts'
import { known } from '../machine/reading.ts'
import { othersMemory, othersPressure } from '../machine/others.ts'

/** The share in use, offpeak's own included, from which no run starts. */
const FULL = 0.95

const pressure = (ask: GateInput): GateResult | null =>
  pressed(ask, {
    gate: 'memory',
    load: 'memory_pressure',
    words: share => `programs wait for memory ${share} of the time`,
    busy: 'memory_pressure',
    observed: othersPressure(ask.reading, 'memory'),
    mean: ask.reading.trends?.memory_pressure?.mean
  })

/** Closed while memory is full. Offpeak's own share counts, and lasting load is not exempt. */
function full ({ reading, config, relaxed, task }: GateInput): GateResult | null {
  const used = reading.trends?.memory_total?.value ?? reading.memory.used
  if (!known(used) || used < FULL || relaxed >= 1 || config.resources.memory_limit >= FULL) return null
  if (task !== undefined && isMonitor(task)) return null
  return {
    gate: 'memory',
    ok: false,
    code: 'memory_full',
    message: `${shareWords(used)} of the memory is in use, offpeak included, limit ${shareWords(FULL)}`,
    observed: rounded(used),
    required: FULL,
    ...READ,
    source: '/resources/memory_limit'
  }
}

/** Closed while other programs use memory, or wait for some, beyond the limits of `resources`, while memory is full, or
 *  while they use more than the task's own limit, which replaces all three. */
export const memory: Gate = ask => {
  const asked = ask.task?.constraints.memory_below
  const used = below(ask, {
    gate: 'memory',
    load: 'memory',
    words: share => `other programs use ${share} of the memory`,
    busy: 'memory_full',
    observed: othersMemory(ask.reading),
    mean: ask.reading.trends?.memory?.mean,
    own: { name: 'memory_below', value: asked }
  })
  if (asked !== undefined || !used.ok) return used
  return full(ask) ?? resultToShow(used, pressure(ask))
}
