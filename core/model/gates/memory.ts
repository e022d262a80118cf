import type { Gate } from './gate.ts'
import { below } from './below.ts'

/** Closed while more of the memory is in use than the limit, or than the task's own. */
export const memory: Gate = ({ task, reading, config, relaxed }) => below({
  gate: 'memory',
  words: share => `${share} of the memory is in use`,
  busy: 'memory_full',
  observed: reading.memory.used,
  own: { name: 'memory_below', value: task?.constraints.memory_below },
  standard: { value: config.resources.memory_limit, source: '/resources/memory_limit' },
  relaxed
})
