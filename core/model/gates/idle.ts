import type { Gate, GateInput } from '../conditions/gate.ts'
import { READ, inDefinition } from '../conditions/gate.ts'
import { bustleOf } from '../machine/idle.ts'
import { known } from '../machine/reading.ts'
import { othersBusy, othersIo, othersNetwork } from '../machine/others.ts'
import { relaxedDown } from '../conditions/relaxation.ts'
import { seconds, spanWords } from '../base/duration.ts'
import { sizeWords } from '../base/size.ts'
import type { Duration } from '../base/duration.ts'

const BUSTLE_WORDS = { cpu: 'the processors are busy', network: 'the network is busy', io: 'the disks are busy' }

const shareWords = (share: number) => `${Math.round(share * 100)} %`
const rateWords = (bytes: number) => `${sizeWords(bytes)}/s`

/** The fields of the result for a resource that is busier than on an idle machine. */
function busyFacts (bustle: 'cpu' | 'network' | 'io', { reading, config: { activity } }: GateInput) {
  const words = bustle === 'cpu' ? shareWords : rateWords
  const value = { cpu: othersBusy(reading), network: othersNetwork(reading), io: othersIo(reading).bytes_per_s }[bustle]
  const limit = { cpu: activity.cpu_below, network: activity.network_below, io: activity.io_below }[bustle]
  const observed = known(value) ? words(value) : value
  return {
    code: 'not_idle',
    message: `${BUSTLE_WORDS[bustle]} (${observed}), the task needs an idle machine`,
    observed,
    required: `at most ${words(limit)}`,
    source: `/activity/${bustle}_below`
  }
}

/** Closed while the task needs an idle machine and it is in use. Where the idle time is unknown, only processors, disks
 *  and network count. */
export const idle: Gate = ask => {
  const { task, reading, config, relaxed } = ask
  const asked = task?.constraints.idle
  if (asked === undefined || asked === false) return null
  const full = seconds((asked === true ? config.activity.idle_after : asked) as Duration)
  const required = Math.round(relaxedDown(full, relaxed))
  const bustle = bustleOf(reading, config, required)
  const seen = known(reading.idle_seconds) ? Math.round(reading.idle_seconds) : reading.idle_seconds
  const quiet = known(seen)
    ? `idle for ${spanWords(seen * 1000)}`
    : 'cannot tell whether someone uses the machine (does not hold the run)'
  if (bustle !== null && bustle !== 'user') return { gate: 'idle', ok: false, ...READ, ...busyFacts(bustle, ask) }
  return {
    gate: 'idle',
    ok: bustle === null,
    code: bustle === null ? known(seen) ? 'ok' : 'unknown' : 'in_use',
    message: bustle === null
      ? quiet
      : `someone is using the machine, the task needs ${spanWords(required * 1000)} of idle time`,
    observed: seen,
    required,
    ...READ,
    source: asked === true ? '/activity/idle_after' : inDefinition('idle'),
    ...required !== full && { relaxed_from: full }
  }
}
