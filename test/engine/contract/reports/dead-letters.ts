import type { Engine } from '../../../../core/engine/engine.ts'
import { fingerprintOf } from '../../../../core/engine/fingerprint.ts'
import type { NewRun, Run } from '../../../../core/model/run/run.ts'
import { T0, BY_HAND, addOne, claimAll, settleAs, OUTCOMES } from '../fixtures.ts'
import { Suite } from '../suite.ts'

async function fail (engine: Engine, message: string, more: Partial<NewRun> & { at?: number } = {}): Promise<Run> {
  const { at = T0, ...asked } = more
  const { id } = await addOne(engine, asked)
  const run = (await claimAll(engine)).find(claimed => claimed.id === id)!
  return (await settleAs(engine, run, { kind: 'failed', error: { name: 'Error', message }, retry_at: null }, at))!
}

const TIMED_OUT = fingerprintOf({ name: 'Error', message: 'timed out after 9 s' })

/** Runs that have failed for good. */
export const deadLetters = new Suite()

deadLetters.test('failed runs are grouped by task and error', async (t, setup) => {
  const engine = await setup(t)
  await fail(engine, 'timed out after 5 s', { at: T0 + 4 })
  await fail(engine, 'timed out after 1 s', { at: T0 + 2, priority: 'low' })
  const third = await fail(engine, 'timed out after 17 s', { at: T0 + 9 })
  await fail(engine, 'no such table', { at: T0 + 5 })
  await fail(engine, 'timed out after 8 s', { at: T0 + 1, task: 'b' })
  t.same(await engine.dead({}), [
    {
      task: 'a',
      fingerprint: TIMED_OUT,
      count: 3,
      message: 'timed out after 17 s',
      first_at: T0 + 2,
      last_at: T0 + 9
    },
    {
      task: 'a',
      fingerprint: fingerprintOf({ name: 'Error', message: 'no such table' }),
      count: 1,
      message: 'no such table',
      first_at: T0 + 5,
      last_at: T0 + 5
    },
    { task: 'b', fingerprint: TIMED_OUT, count: 1, message: 'timed out after 8 s', first_at: T0 + 1, last_at: T0 + 1 }
  ])
  t.same((await engine.dead({ task: 'b' })).map(({ task }) => task), ['b'])
  const listed = async (more: object) => (await engine.list({ fingerprint: TIMED_OUT, limit: 9, ...more })).items.length
  t.same([await listed({}), await listed({ task: 'a' }), await listed({ state: ['completed'] }),
    await listed({ queue: 'q' }), await listed({ source: 'manual' })], [4, 3, 0, 0, 4])
  t.match(await engine.list({ fingerprint: TIMED_OUT, task: 'a', limit: 1 }), {
    items: [{ id: third.id }],
    next: third.id
  })
})

deadLetters.test('the runs of one group are retried or removed in one call', async (t, setup) => {
  const engine = await setup(t)
  for (const seconds of [1, 2, 3]) await fail(engine, `timed out after ${seconds} s`)
  const other = await fail(engine, 'no such table')
  const all = { filter: { fingerprint: TIMED_OUT }, now: T0, limit: 2, dry_run: false }
  t.match(await engine.change({ ...all, act: 'retry' }), { matched: 3, runs: { length: 2 }, refused: {} })
  t.match(await engine.dead({}), [{ count: 1 }, { count: 1 }])
  t.match(await engine.change({ ...all, act: 'remove', reason: BY_HAND }), {
    matched: 1,
    runs: { length: 1 },
    refused: {},
    next: null
  })
  t.match(await engine.dead({}), [{ message: 'no such table' }])
  t.match(await engine.list({ state: ['failed'], limit: 9 }), { items: [{ id: other.id }] })
  await Promise.all((await claimAll(engine)).map(run => settleAs(engine, run, OUTCOMES.failed!)))
  t.match((await engine.dead({})).find(({ message }) => message === 'boom'), { count: 2 })
})

deadLetters.test('a run that failed without an error is grouped by its reason', async (t, setup) => {
  const engine = await setup(t)
  const { id } = await addOne(engine)
  await engine.end({ id, now: T0 + 3, as: 'failed', reason: { code: 'deadline', message: 'It waited 3 h' } })
  t.match(await engine.dead({}), [{
    fingerprint: fingerprintOf({ name: 'deadline', message: 'It waited 7 h' }),
    message: 'It waited 3 h'
  }])
})

deadLetters.test('failed runs have their own retention when it is given', async (t, setup) => {
  const engine = await setup(t)
  await fail(engine, 'one', { at: T0 + 1 })
  await fail(engine, 'two', { at: T0 + 8 })
  const { id } = await addOne(engine)
  await settleAs(engine, (await claimAll(engine)).find(run => run.id === id)!, OUTCOMES.completed!, T0 + 1)
  t.equal(await engine.sweep({ now: T0, before: T0 + 99, keep: 0, limit: 9, dead_before: T0 + 5 }), 2)
  t.match(await engine.list({ limit: 9 }), { items: [{ error: { message: 'two' } }] })
  t.equal(await engine.sweep({ now: T0, before: T0 + 99, keep: 0, limit: 9 }), 1)
  t.same(await engine.dead({}), [])
})
