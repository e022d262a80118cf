import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Measure } from './peers/queues.ts'
import { contest } from './contest.ts'
import { addAll, drainRate } from './drain.ts'
import { queues } from './peers/queues.ts'

const GROUP = 'loop'

const measure: Measure = async (queue, { name }, { small }) => {
  const count = small ? 200 : 40_000
  await addAll(queue, count)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const rate = await drainRate(queue, count)
  // A queue that never lets the loop turn has its one long delay counted only now.
  await pause(10)
  delay.disable()
  const own = name === 'offpeak'
  return [
    {
      name: `${name}: p99.9`,
      unit: 'ms',
      value: delay.percentile(99.9) / 1e6,
      ...own ? { target: { of: 'value', most: 15 } } : { ratio_to: 'offpeak: p99.9' }
    },
    {
      name: `${name}: longest`,
      unit: 'ms',
      value: delay.max / 1e6,
      ...own ? {} : { ratio_to: 'offpeak: longest' },
      note: `while ${Math.round(rate)} runs a second were done`
    }
  ]
}

/** How long the event loop is kept from its timers while jobs are added in bulk and drained. */
export const contenders = queues(GROUP, measure)
export const run = contest(contenders)
