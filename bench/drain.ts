import type { Ask } from './contest.ts'
import type { Measure } from './peers/queues.ts'
import type { Queue } from './peers/queue.ts'
import type { Row } from './row.ts'
import { SLOTS } from './place.ts'
import { contest } from './contest.ts'
import { queues } from './peers/queues.ts'

const GROUP = 'drain'
const BULK = 1000
const CAP_MS = 10_000

/** Adds `count` jobs, a thousand per call. */
export async function addAll (queue: Queue, count: number): Promise<void> {
  for (let left = count; left > 0; left -= BULK) await queue.addMany(Math.min(BULK, left))
}

/** Adds `count` jobs and executes them; returns the jobs per second of the second half. It stops after `CAP_MS`. */
export async function drainRate (queue: Queue, count: number): Promise<number> {
  await addAll(queue, count)
  const { promise, resolve } = Promise.withResolvers<void>()
  const cap = setTimeout(resolve, CAP_MS)
  const warm = Math.ceil(count / 2)
  const from = { done: 0, at: performance.now() }
  let done = 0
  await queue.work(() => {
    done++
    if (done === warm) Object.assign(from, { done, at: performance.now() })
    if (done === count) resolve()
  })
  await promise
  clearTimeout(cap)
  return (done - from.done) / (performance.now() - from.at) * 1000
}

const measure: Measure = async (queue, { name }, { small }) => [{
  name: `${name}: ${SLOTS} slots`,
  unit: '/s',
  value: await drainRate(queue, small ? 200 : 200_000),
  ...name === 'offpeak'
    ? { ratio_to: DISPATCH, target: { of: 'value', least: 60_000 } }
    : { ratio_to: `offpeak: ${SLOTS} slots`, target: { of: 'ratio', most: 1 } }
}]

const DISPATCH = 'no-op dispatch in memory'

/** The limit: ten slots that take jobs off an array and await each. */
async function dispatch ({ small }: Ask): Promise<Row[]> {
  const count = small ? 1000 : 1_000_000
  const jobs = Array.from({ length: count }, (_, index) => index)
  const slot = async () => {
    while (jobs.pop() !== undefined) await Promise.resolve()
  }
  const begun = performance.now()
  await Promise.all(Array.from({ length: SLOTS }, slot))
  return [{
    group: GROUP,
    name: DISPATCH,
    unit: '/s',
    value: count / (performance.now() - begun) * 1000,
    durability: 'none'
  }]
}

/** Draining: waiting jobs are claimed, executed as a no-op and settled, ten at a time, until none is left. */
export const contenders = [{ name: 'dispatch', run: dispatch }, ...queues(GROUP, measure)]
export const run = contest(contenders)
