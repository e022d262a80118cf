import { setTimeout as pause } from 'node:timers/promises'
import type { Ask } from './contest.ts'
import type { Measure } from './peers/queues.ts'
import type { Queue } from './peers/queue.ts'
import type { Row } from './row.ts'
import { FULL } from './peers/queue.ts'
import { RAW, rawTable } from './raw.ts'
import { breeJobs } from './peers/bree.ts'
import { contest } from './contest.ts'
import { lacking } from './peers/packages.ts'
import { median, quantile } from './row.ts'
import { queues } from './peers/queues.ts'
import { withFolder } from './place.ts'

const GROUP = 'latency'
const CAP_MS = 15_000
const LIMIT = `${RAW}: one insert and sync, p50`

/** Repeats a measurement at most this many times or this long, after a tenth of that to warm up. Each begins when no
 *  other work is left. */
async function samples (count: number, sample: () => Promise<number>): Promise<number[]> {
  const times: number[] = []
  const until = performance.now() + CAP_MS
  for (let index = 0; index < count * 1.1 && performance.now() < until; index++) {
    await pause(5)
    times.push(await sample())
  }
  return times.slice(Math.floor(times.length / 11))
}

const nobody = () => undefined

/** From the call that adds to the first line of the handler, ms. */
async function pickups (queue: Queue, count: number): Promise<number[]> {
  let started: (at: number) => void = nobody
  await queue.work(() => started(performance.now()))
  return await samples(count, async () => {
    const { promise, resolve } = Promise.withResolvers<number>()
    started = resolve
    const begun = performance.now()
    const added = queue.add()
    const at = await promise
    await added
    return at - begun
  })
}

const measure: Measure = async (queue, { name }, { small }) => {
  const times = await pickups(queue, small ? 10 : 500)
  const own = name === 'offpeak'
  return [
    {
      name: `${name}: p50`,
      unit: 'ms',
      value: median(times),
      ratio_to: own ? LIMIT : 'offpeak: p50',
      ...own ? { target: { of: 'ratio', most: 1.2 } } : {}
    },
    {
      name: `${name}: p99`,
      unit: 'ms',
      value: quantile(times, 0.99),
      ratio_to: own ? LIMIT : 'offpeak: p99',
      ...own ? { target: { of: 'ratio', most: 5 } } : {}
    }
  ]
}

const raw = ({ small }: Ask): Promise<Row[]> =>
  withFolder(async folder => {
    const { add, close } = rawTable(folder)
    const times = await samples(small ? 10 : 500, async () => {
      const begun = performance.now()
      add()
      return performance.now() - begun
    })
    close()
    return [
      { group: GROUP, name: LIMIT, unit: 'ms', value: median(times), durability: FULL },
      {
        group: GROUP,
        name: `${RAW}: one insert and sync, p99`,
        unit: 'ms',
        value: quantile(times, 0.99),
        durability: FULL
      }
    ]
  })

const PEER = ['bree']

async function bree ({ small }: Ask): Promise<Row[]> {
  const reason = lacking(PEER)
  if (reason !== null) return [{ group: GROUP, name: 'Bree', unit: '', value: null, note: `skipped: ${reason}` }]
  const { pickup, stop } = await breeJobs()
  const times = await samples(small ? 5 : 200, pickup)
  await stop()
  const rest = { group: GROUP, unit: 'ms', durability: 'none: in memory', note: 'a thread for each' }
  return [
    { ...rest, name: 'Bree: p50', value: median(times), ratio_to: 'offpeak: p50' },
    { ...rest, name: 'Bree: p99', value: quantile(times, 0.99), ratio_to: 'offpeak: p99' }
  ]
}

/** Pick-up: from adding a job to an idle queue to the start of its handler. */
export const contenders = [{ name: 'raw', run: raw }, ...queues(GROUP, measure), {
  name: 'Bree',
  peer: PEER,
  run: bree
}]
export const run = contest(contenders)
