import { monitorEventLoopDelay } from 'node:perf_hooks'
import { SECOND } from '../model/duration.ts'
import { UNKNOWN } from '../model/reading.ts'
import type { Part, Sensor } from './sensor.ts'

// A look of the native timer costs more than the rest of a sample: two a second see every long block and many short ones.
const LOOK_MS = SECOND / 2

/** How late the event loop was at worst since the last sample. */
export function loopSensor (): Sensor {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | null = null
  return {
    everyMs: 0,
    read (): Part {
      if (histogram === null) {
        histogram = monitorEventLoopDelay({ resolution: LOOK_MS })
        histogram.enable()
        return { loop_delay_ms: UNKNOWN }
      }
      if (histogram.count === 0) return { loop_delay_ms: UNKNOWN }
      const worst = histogram.max / 1e6 - LOOK_MS
      histogram.reset()
      return { loop_delay_ms: Math.max(0, Math.round(worst * 10) / 10) }
    },
    stop () {
      histogram?.disable()
      histogram = null
    }
  }
}
