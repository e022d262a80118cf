import { setTimeout as pause } from 'node:timers/promises'
import type { Job, Measure } from './peers/timers.ts'
import type { Row } from './row.ts'
import { contest, heapBytes } from './contest.ts'
import { timers } from './peers/timers.ts'

const GROUP = 'scale'

const nothing = () => undefined

/** Jobs of a month that is half a year away. */
function farJobs (count: number): Job[] {
  const month = (new Date().getUTCMonth() + 6) % 12 + 1
  return Array.from({ length: count }, (_, index) => ({
    id: `job_${index}`,
    cron: [0, index % 60, Math.trunc(index / 60) % 24, 1 + Math.trunc(index / 1440) % 28, month],
    fire: nothing
  }))
}

/** Percent of one core while nothing is due. */
async function idleCpu (ms: number): Promise<number> {
  await pause(ms / 5)
  const before = process.cpuUsage()
  const begun = performance.now()
  await pause(ms)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - begun) * 100
}

const measure: Measure = async (kind, { small }, folder) => {
  const count = small ? 200 : 100_000
  const own = kind.name === 'offpeak'
  const { define, start, stop } = await kind.prepare(farJobs(count), folder)
  const heaps = [heapBytes()]
  const steps = []
  for (const step of [define, start]) {
    const begun = performance.now()
    await step()
    steps.push((performance.now() - begun) / 1000)
    heaps.push(heapBytes())
  }
  const cpu = await idleCpu(small ? 500 : 10_000)
  await stop()
  const row = (what: string, rest: Pick<Row, 'unit' | 'value' | 'note'>, most?: number) => ({
    name: `${kind.name}: ${what}`,
    ...rest,
    ...own ? {} : { ratio_to: `offpeak: ${what}` },
    ...own && most ? { target: { of: 'value' as const, most } } : {}
  })
  const [before, defined, started] = heaps as [number, number, number]
  const definition = { name: 'offpeak: memory for each definition', unit: 'B', value: (defined - before) / count }
  return [
    row('registered', {
      unit: 's',
      value: steps[0]! + steps[1]!,
      ...own ? { note: `${steps[0]!.toFixed(2)} s to check the definitions` } : {}
    }, 2),
    ...own ? [definition] : [],
    row('memory for each schedule', { unit: 'B', value: (started - defined) / count }, 1024),
    row('idle', { unit: '% of a core', value: cpu }, 0.5)
  ]
}

/** 100,000 schedules, none of them due soon: the time to add them, the memory of each, and the cost while idle. */
export const contenders = timers(GROUP, measure)
export const run = contest(contenders)
