import { renameSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Loaded into a server with --import: at SIGUSR2 it writes what it has seen since the last time to the file
 *  OFFPEAK_SOAK names, and with `OFFPEAK_SOAK_HEAP` a snapshot of the heap beside it. */
const file = process.env['OFFPEAK_SOAK']!
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

let asked = 0
process.on('SIGUSR2', () => {
  const loop = { p999: delay.percentile(99.9) / 1e6, longest: delay.max / 1e6 }
  const { rss } = process.memoryUsage()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  if (process.env['OFFPEAK_SOAK_HEAP'] === '1') writeHeapSnapshot(`${file}.${++asked}.heapsnapshot`)
  writeFileSync(`${file}.part`, JSON.stringify({ ...loop, rss, heap: heapUsed + external }))
  renameSync(`${file}.part`, file)
  delay.reset()
})
