import t from 'tap'
import { Check } from 'typebox/value'
import { StatsRow } from '../../plugins/_schema/stats.ts'
import { claimOf } from '../claim.ts'
import { ranIn } from '../../core/work/desk/statistics.ts'
import { runWords } from '../../core/cli/terminal/run-words.ts'
import type { Engine } from '../../core/engine/engine.ts'
import type { Run } from '../../core/model/run/run.ts'
import type { StatsView } from '../../core/work/desk/statistics.ts'
import { HOUR, MINUTE, SECOND, laptop } from './holding.ts'

type Laptop = Awaited<ReturnType<typeof laptop>>

/** A task whose attempts last as long as the payload says, on the clock of the test, and fail when it says so. */
function machine (t: Parameters<typeof laptop>[0], senses = {}) {
  let clock: Laptop['clock'] | null = null
  const func = (ctx: { payload: unknown }) => {
    const { ms, fails } = ctx.payload as { ms: number, fails?: boolean }
    clock!.advance(ms)
    if (fails) throw new Error('it broke')
  }
  const tasks = [{ id: 'copy', func: func as never, queue: 'disk', max_retries: 0 }, {
    id: 'send',
    func: func as never,
    queue: 'net',
    max_retries: 1
  }]
  return laptop(t, { tasks, senses }).then(it => {
    clock = it.clock
    const run = async (task: string, payload: object) =>
      await it.finished((await it.post(`/api/tasks/${task}/runs`, { payload })).json().id)
    return { ...it, run }
  })
}

t.test('statistics of runs are by task, with percentiles in seconds', async t => {
  const it = await machine(t)
  for (const ms of [1000, 2000, 3000, 60_000]) await it.run('copy', { ms })
  await it.run('copy', { ms: 500, fails: true })
  const { from, to, by, every, items } = await it.get('/api/stats')
  t.same([to, by, every], ['2026-11-22T12:01:06.500Z', 'task', 'all'])
  t.equal(Date.parse(to) - Date.parse(from), 24 * HOUR)
  t.ok(items.every((item: unknown) => Check(StatsRow, item)))
  t.match(items, [{
    name: 'copy',
    completed: 4,
    failed: 1,
    failure_rate: 0.2,
    retries: 0,
    dead: 1,
    cancelled: 0,
    run: { count: 5, longest: 60 }
  }])
  const [{ run, throughput }] = items as [StatsView]
  t.ok(run.p50! > 1.8 && run.p50! < 2.2 && run.p99! > 57 && run.p99! <= 60)
  t.ok(throughput > 0.15 && throughput < 0.17, 'four in the 25 hours that the span touches, up to now')
})

t.test('a trend has a row for each hour or day, and queues add up their tasks', async t => {
  const it = await machine(t)
  await it.run('copy', { ms: SECOND })
  await it.later(HOUR)
  await it.run('copy', { ms: SECOND })
  await it.run('send', { ms: SECOND })
  const rows = async (query: string) =>
    (await it.get(`/api/stats?${query}`)).items.map(({ at, name, completed }: StatsView) =>
      `${at.slice(5, 13)} ${name} ${completed}`
    )
  t.same(await rows('every=hour'), ['11-22T12 copy 1', '11-22T13 copy 1', '11-22T13 send 1'])
  t.same(await rows('every=day'), ['11-22T00 copy 2', '11-22T00 send 1'])
  t.same(await rows('every=hour&by=queue&from=2026-11-22T13:00:00Z'), ['11-22T13 disk 1', '11-22T13 net 1'])
  t.same(await rows('from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z'), [])
})

t.test('an invalid time range is refused', async t => {
  const it = await machine(t)
  for (const query of ['by=colour', 'every=minute', 'from=2026-11-23T00:00:00Z', 'from=2026-01-01T00:00:00Z&every=hour',
    'from=soon']) {
    t.match((await it.ask({ url: `/api/stats?${query}` })).json(), { status: 422, code: 'OFFPEAK_INPUT_INVALID' },
      query)
  }
  t.equal((await it.ask({ url: '/api/timeline?from=2026-11-01T00:00:00Z' })).statusCode, 422)
})

t.test('the timeline lists the runs of a time range, with readings of the machine', async t => {
  const asked: object[] = []
  const it = await machine(t, {
    query: (ask: { from: number }) => {
      asked.push(ask)
      return [{ at: ask.from, count: 12, values: { cpu_busy: 0.9 } }]
    }
  })
  const first = await it.run('copy', { ms: 10 * MINUTE })
  await it.later(20 * MINUTE)
  const second = await it.run('send', { ms: MINUTE })
  const ids = async (from: string, to: string) =>
    (await it.get(`/api/timeline?from=2026-11-22T${from}:00Z&to=2026-11-22T${to}:00Z`)).runs.map((
      { id }: { id: string }
    ) => id)
  t.same(await ids('12:05', '12:06'), [first.id], 'it began before and ended after')
  t.same(await ids('12:15', '12:20'), [])
  t.same(await ids('12:00', '13:00'), [first.id, second.id])
  const hour = await it.get('/api/timeline')
  t.match(hour, {
    complete: true,
    runs: [{ task: 'copy', started_at: '2026-11-22T12:00:00.000Z' }, { task: 'send' }],
    readings: [{ count: 12, values: { cpu_busy: 0.9 } }]
  })
  t.match(asked.at(-1), { to: it.clock.now(), step: Math.ceil(HOUR / 500) })
})

t.test('the usage of a run is in the run, in the timeline and summed by task', async t => {
  const it = await machine(t)
  const { engine } = it.manager
  const now = it.clock.now()
  // No task has this name: only the test claims it.
  await engine.add([{
    task: 'elsewhere',
    queue: 'default',
    priority: 'normal',
    source: 'manual',
    due_at: now,
    max_retries: 0
  }], now)
  const [run] = await engine.claim(claimOf('elsewhere', { owner: 'test', now }))
  const used = { cpu_seconds: 1.5, memory_peak_bytes: 85_200_000, read_bytes: 3_000_000, written_bytes: null }
  it.clock.advance(SECOND)
  await engine.settle({ lease: run!, outcome: { kind: 'completed', result: null }, now: now + SECOND, used })
  const copied = await it.run('copy', { ms: SECOND })
  t.strictSame((await it.get(`/api/runs/${run!.id}`)).used, used)
  t.equal(copied.used, null, 'inline, nobody can tell')
  t.strictSame((await it.get('/api/timeline')).runs.map(({ id, used }: { id: string, used: unknown }) => [id, used]), [[
    run!.id,
    used
  ], [copied.id, null]])
  t.match((await it.get('/api/stats')).items, [{ name: 'copy', cpu_seconds: 0 }, {
    name: 'elsewhere',
    cpu_seconds: 1.5
  }])
  t.match(runWords(await it.get(`/api/runs/${run!.id}`)),
    /^used {7}2 s of processor time, 85.2 MB of memory, 3 MB read$/m)
  t.notMatch(runWords(await it.get(`/api/runs/${copied.id}`)), /^used/m)
})

t.test('the search for runs of a time range is paged and bounded', async t => {
  const runs = Array.from({ length: 6000 }, (_, index) =>
    ({
      id: String(index),
      state: 'completed',
      created_at: 6000 - index,
      started_at: 6000 - index,
      finished_at: 6001 - index
    }) as Run)
  const engine = (all: Run[]): Pick<Engine, 'list' | 'used'> => ({
    used: async ids => ({ [ids[1]!]: { cpu_seconds: 1, memory_peak_bytes: 2, read_bytes: null, written_bytes: null } }),
    list: async ({ state, limit, cursor = '0' }) => {
      const asked = all.filter(run => state!.includes(run.state))
      const end = Number(cursor) + limit
      return { items: asked.slice(Number(cursor), end), next: end < asked.length ? String(end) : null }
    }
  })
  t.match(await ranIn(engine(runs), { from: 0, to: 10_000 }), { complete: false })
  const few = await ranIn(engine(runs.slice(0, 4000)), { from: 2500, to: 2502 })
  t.same(few.runs.map(({ started_at: at, used }) => [at, used?.cpu_seconds]), [[2499, undefined], [2500, 1], [2501,
    undefined]])
  t.equal(few.complete, true)
  const cancelled = runs.map(run => ({ ...run, id: `c${run.id}`, state: 'cancelled' as const, started_at: null }))
  const crowded = await ranIn(engine([...cancelled, ...runs.slice(0, 4000)]), { from: 2500, to: 2502 })
  t.same(crowded.runs.map(({ started_at: at }) => at), [2499, 2500, 2501], 'those that never ran hide none')
})
