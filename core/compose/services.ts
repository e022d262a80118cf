import { shared } from '../model/base/service.ts'
import { OutputCapture } from '../work/context/output-capture.ts'
import { ProcessGuard } from '../work/context/process-guard.ts'
import { fileCalls } from '../work/context/file-calls.ts'
import type { ManagerOptions } from '../options.ts'
import type { Parts } from './parts.ts'
import type { Service } from '../model/base/service.ts'

/** Started first, in this order. Many managers may share the engine and the watch of file calls: each counts its own
 *  start. */
export const baseOf = (
  { engine, feed, uncaught, watch }: Parts
): Service[] => [shared(fileCalls), watch, shared(engine), feed, uncaught, new OutputCapture(), new ProcessGuard()]

/** A reading is in force before the first run may start. It is the second one, because rates are measured from the
 *  first. */
const firstReading = ({ sampler, senses }: Parts): Service => ({
  start: async () => {
    await senses.sample()
    sampler.take()
  },
  stop: async () => undefined
})

/** Started once the stored state is loaded, in this order. */
export function servicesOf (parts: Parts, { loops }: ManagerOptions): Service[] {
  const { catalog, runner, scheduling, senses, settings, ticker } = parts
  const timed = loops === 'none' ? [] : [ticker]
  return [senses, catalog, firstReading(parts), ...timed, runner, settings, scheduling]
}
