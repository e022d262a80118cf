import type { Ask } from './contest.ts'
import type { Measure } from './peers/queues.ts'
import type { Row, Target } from './row.ts'
import { FULL } from './peers/queue.ts'
import { RAW, rawTable } from './raw.ts'
import { contest } from './contest.ts'
import { queues } from './peers/queues.ts'
import { withFolder } from './place.ts'

const GROUP = 'add'
const WAYS = ['1 caller', '1,000 callers', '1,000 a call'] as const
type Way = typeof WAYS[number]

interface Job {
  callers: number
  calls: number
  size: number
  capMs: number
  work: () => unknown
}

/** Added a second: callers that await each call, until `calls` are made or `capMs` are over; as many before that to
 *  warm up. */
async function rate ({ callers, calls, size, capMs, work }: Job): Promise<number> {
  async function burst (most: number): Promise<number> {
    const begun = performance.now()
    let made = 0
    const caller = async () => {
      while (made < most && performance.now() - begun < capMs) {
        made++
        await work()
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    return made * size / (performance.now() - begun) * 1000
  }
  await burst(calls)
  return await burst(calls)
}

const jobs = ({ small }: Ask, add: () => unknown, addMany: (count: number) => unknown): Record<Way, Job> => ({
  '1 caller': { callers: 1, calls: small ? 50 : 20_000, size: 1, capMs: 3000, work: add },
  '1,000 callers': { callers: small ? 50 : 1000, calls: small ? 200 : 100_000, size: 1, capMs: 3000, work: add },
  '1,000 a call': small
    ? { callers: 1, calls: 2, size: 100, capMs: 3000, work: () => addMany(100) }
    : { callers: 1, calls: 100, size: 1000, capMs: 3000, work: () => addMany(1000) }
})

const TARGETS: Record<Way, { ratio_to: string, target: Target }> = {
  '1 caller': { ratio_to: `${RAW}: 1 caller`, target: { of: 'ratio', least: 0.8 } },
  '1,000 callers': { ratio_to: `${RAW}: 1,000 a call`, target: { of: 'value', least: 100_000 } },
  '1,000 a call': { ratio_to: `${RAW}: 1,000 a call`, target: { of: 'value', least: 200_000 } }
}

const besides = (way: Way, durable: boolean): Partial<Row> => ({
  ratio_to: `offpeak: ${way}`,
  ...way === '1,000 callers' && durable ? { target: { of: 'ratio' as const, most: 1 / 3 } } : {}
})

const measure: Measure = async (queue, { name, durability }, ask) => {
  const all = jobs(ask, () => queue.add(), count => queue.addMany(count))
  const rows: Omit<Row, 'group'>[] = []
  for (const way of WAYS) {
    const more = name === 'offpeak' ? TARGETS[way] : besides(way, durability === FULL)
    rows.push({ name: `${name}: ${way}`, unit: '/s', value: await rate(all[way]), ...more })
  }
  return rows
}

const raw = (ask: Ask): Promise<Row[]> =>
  withFolder(async folder => {
    const { add, addMany, close } = rawTable(folder)
    const { '1 caller': one, '1,000 a call': bulk } = jobs(ask, add, addMany)
    const rows = [
      {
        group: GROUP,
        name: `${RAW}: 1 caller`,
        unit: '/s',
        value: await rate(one),
        durability: FULL,
        note: 'the limit: a commit and a sync for each'
      },
      {
        group: GROUP,
        name: `${RAW}: 1,000 a call`,
        unit: '/s',
        value: await rate(bulk),
        durability: FULL,
        note: 'the limit: a commit and a sync for each thousand'
      }
    ]
    close()
    return rows
  })

/** Adding: one caller that awaits each, a thousand callers at once, a thousand in one call. Nothing is executed
 *  meanwhile. */
export const contenders = [{ name: 'raw', run: raw }, ...queues(GROUP, measure)]
export const run = contest(contenders)
