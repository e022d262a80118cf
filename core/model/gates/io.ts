import type { Gate } from './gate.ts'
import { below } from './below.ts'

/** Closed while the busiest disk works for more of the time than the limit, or than the task's own. */
export const io: Gate = ({ task, reading, config, relaxed }) => below({
  gate: 'io',
  words: share => `the busiest disk works ${share} of the time`,
  busy: 'io_busy',
  observed: reading.io.busy,
  own: { name: 'io_below', value: task?.constraints.io_below },
  standard: { value: config.resources.io_limit, source: '/resources/io_limit' },
  relaxed
})
