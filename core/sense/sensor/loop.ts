import { monitorEventLoopDelay } from 'node:perf_hooks'
import { SECOND } from '../../model/base/duration.ts'
import { UNKNOWN } from '../../model/machine/reading.ts'
import type { PartialReading, Sensor } from '../source/sensor-host.ts'

// Each check of the native timer is expensive. Two a second detect every long block and many short ones.
const LOOK_MS = SECOND / 2

/** The number of iterations, and the longest delay (ns). */
type LoopWatch = Pick<ReturnType<typeof monitorEventLoopDelay>, 'count' | 'max' | 'enable' | 'disable' | 'reset'>

/** The longest delay of the event loop since the last sample. */
export function loopSensor (
  watch: (lookMs: number) => LoopWatch = lookMs => monitorEventLoopDelay({ resolution: lookMs })
): Sensor {
  let watching: LoopWatch | null = null
  return {
    everyMs: 0,
    read (): PartialReading {
      if (watching === null) {
        watching = watch(LOOK_MS)
        watching.enable()
      }
      if (watching.count === 0) return { loop_delay_ms: UNKNOWN }
      const worst = watching.max / 1e6 - LOOK_MS
      watching.reset()
      return { loop_delay_ms: Math.max(0, Math.round(worst * 10) / 10) }
    },
    stop () {
      watching?.disable()
      watching = null
    }
  }
}
