import type { Gate } from './gate.ts'
import { READ, inDefinition } from './gate.ts'
import { bustleOf } from '../machine/idle.ts'
import { known } from '../machine/reading.ts'
import { relaxedDown } from './relaxation.ts'
import { seconds, spanWords } from '../base/duration.ts'
import type { Duration } from '../base/duration.ts'

const BUSTLE_WORDS = {
  user: 'someone is using the machine',
  cpu: 'the processors are busy',
  network: 'the network is busy',
  io: 'the disks are busy'
}

/** Closed while the task needs an idle machine and it is in use. Where the idle time is unknown, only processors, disks
 *  and network count. */
export const idle: Gate = ({ task, reading, config, relaxed }) => {
  const asked = task?.constraints.idle
  if (asked === undefined || asked === false) return null
  const full = seconds((asked === true ? config.activity.idle_after : asked) as Duration)
  const required = Math.round(relaxedDown(full, relaxed))
  const bustle = bustleOf(reading, config, required)
  const seen = known(reading.idle_seconds) ? Math.round(reading.idle_seconds) : reading.idle_seconds
  const quiet = known(seen)
    ? `idle for ${spanWords(seen * 1000)}`
    : 'cannot tell whether someone uses the machine (does not hold the run)'
  return {
    gate: 'idle',
    ok: bustle === null,
    code: bustle === null ? known(seen) ? 'ok' : 'unknown' : bustle === 'user' ? 'in_use' : 'not_idle',
    message: bustle === null
      ? quiet
      : `${BUSTLE_WORDS[bustle]}, the task needs ${spanWords(required * 1000)} of idle time`,
    observed: seen,
    required,
    ...READ,
    source: asked === true ? '/activity/idle_after' : inDefinition('idle'),
    ...required !== full && { relaxed_from: full }
  }
}
