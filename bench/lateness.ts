import { setTimeout as pause } from 'node:timers/promises'
import type { Job, Measure } from './peers/timers.ts'
import { contest } from './contest.ts'
import { quantile } from './row.ts'
import { timers } from './peers/timers.ts'

const GROUP = 'lateness'
const SECOND = 1000
const GRACE_MS = 3000

/** Wall time with the resolution of the monotonic clock. */
const wall = () => performance.timeOrigin + performance.now()

function cronAt (at: number): Job['cron'] {
  const date = new Date(at)
  return [date.getUTCSeconds(), date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate(), date.getUTCMonth() + 1]
}

interface Size {
  count: number
  each: number
  seconds: number
  warm: number
}

/** `each` jobs in every second from `first` on; notes how late those of the first `seconds` were, the `warm` ones left
 *  out. */
function jobsFrom (first: number, { count, each, seconds, warm }: Size) {
  const late: number[] = []
  const jobs = Array.from({ length: count }, (_, index): Job => {
    const at = first + Math.trunc(index / each) * SECOND
    const counts = at >= first + warm * SECOND && at < first + seconds * SECOND
    const fire = counts
      ? () => {
        late.push(wall() - at)
      }
      : () => undefined
    return { id: `job_${index}`, cron: cronAt(at), fire }
  })
  return { jobs, late, wanted: Math.min(count, each * seconds) - each * warm, end: first + seconds * SECOND + GRACE_MS }
}

const measure: Measure = async (kind, { small }, folder) => {
  const size = small
    ? { count: 100, each: 20, seconds: 2, lead: 1, warm: 1 }
    : { count: 10_000, each: 100, seconds: 42, lead: 12, warm: 20 }
  const first = Math.ceil(Date.now() / SECOND + size.lead) * SECOND
  const { jobs, late, wanted, end } = jobsFrom(first, size)
  const { define, start, stop } = await kind.prepare(jobs, folder)
  define()
  await start()
  const ready = Date.now() < first ? '' : 'not registered in time; '
  while (late.length < wanted && Date.now() < end) await pause(50)
  await stop()
  const note = `${ready}${late.length} of ${wanted} began`
  const own = kind.name === 'offpeak'
  if (late.length === 0) return [{ name: `${kind.name}: p99`, unit: 'ms', value: null, note }]
  return [
    { name: `${kind.name}: p50`, unit: 'ms', value: quantile(late, 0.5), note },
    {
      name: `${kind.name}: p99`,
      unit: 'ms',
      value: quantile(late, 0.99),
      note,
      ...own ? { target: { of: 'value', most: 5 } } : { ratio_to: 'offpeak: p99' }
    },
    {
      name: `${kind.name}: latest`,
      unit: 'ms',
      value: Math.max(...late),
      note,
      ...own ? { target: { of: 'value', most: 25 } } : { ratio_to: 'offpeak: latest' }
    }
  ]
}

/** How late jobs begin when many are due in the same second, of many more that wait. */
export const contenders = timers(GROUP, measure)
export const run = contest(contenders)
