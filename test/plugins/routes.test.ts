import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Check } from 'typebox/value'
import type { TSchema } from 'typebox'
import { FullRun, Run } from '../../plugins/_schema/run.ts'
import { Schedule, Task } from '../../plugins/_schema/task.ts'
import { TASKS, held, setup } from './setup.ts'

const RUNS = '/api/tasks/echo/runs'
const fits = (schema: TSchema, value: unknown) => Check(schema, value)

t.test('the list of tasks has status, last and next run, and filters', async t => {
  const { ask, post, finished } = await setup(t)
  await finished((await post(RUNS)).json().id)
  const list = await ask({ url: '/api/tasks' })
  const tasks = list.json()
  t.same(tasks.map((task: { id: string }) => task.id), ['broken', 'echo', 'hourly', 'typed'])
  t.ok(tasks.every((task: unknown) => fits(Task, task)))
  t.match(tasks[1], { status: 'idle', last_run: { state: 'completed' }, next_run: null })
  t.match(tasks[2], {
    status: 'scheduled',
    last_run: null,
    next_run: /:05:00\.000Z$/,
    trigger: { words: 'At 5 minutes past the hour (UTC)' }
  })
  const ids = async (query: string) =>
    (await ask({ url: `/api/tasks?${query}` })).json().map((task: { id: string }) => task.id)
  t.same(await ids('status=scheduled'), ['hourly'])
  t.same(await ids('status=scheduled,idle&tag=quick'), ['echo'])
  t.same(await ids('queue=other'), [])
})

t.test('the next fires are those of the task, whatever its trigger', async t => {
  const now = Date.parse('2026-11-22T10:00:00Z')
  const tasks = [
    ...TASKS,
    { id: 'each', func: () => 1, trigger: 'interval', trigger_args: { minutes: 7 } },
    { id: 'once', func: () => 1, trigger: 'date', trigger_args: { run_date: '2026-12-24T18:00:00Z' } },
    { id: 'tab', func: () => 1, trigger: '30 4 * * *', timezone: 'UTC' }
  ]
  let clock = now
  const { ask, post } = await setup(t, { tasks, options: { clock: { now: () => clock, monotonic: () => clock } } })
  const next = async (id: string, count: number) => (await ask({ url: `/api/tasks/${id}/next?count=${count}` })).json()
  t.same(await next('hourly', 2), ['2026-11-22T10:05:00.000Z', '2026-11-22T11:05:00.000Z'])
  t.same(await next('once', 5), ['2026-12-24T18:00:00.000Z'])
  t.same(await next('tab', 1), ['2026-11-23T04:30:00.000Z'])
  t.match((await ask({ url: '/api/tasks/tab' })).json().trigger, {
    kind: 'cron',
    args: { expression: '30 4 * * *' },
    words: /^At 04:30/
  })
  t.same(await next('echo', 5), [])
  clock += 60_000
  t.same(await next('each', 2), ['2026-11-22T10:07:00.000Z', '2026-11-22T10:14:00.000Z'], 'an interval keeps its phase')
  await post('/api/schedules', { task: 'hourly', trigger: 'date', trigger_args: { run_date: '2026-11-22T10:30:00Z' } })
  t.same(await next('hourly', 2), ['2026-11-22T10:05:00.000Z', '2026-11-22T10:30:00.000Z'],
    'schedules made at run time count')
})

t.test('switching a task writes config.json, unless somebody else has changed it', async t => {
  const { ask, root } = await setup(t)
  const etag = (await ask({ url: '/api/tasks/hourly' })).headers.etag as string
  t.match(etag, /^"[0-9a-f]{16}"$/)
  const patch = (enabled: boolean, match?: string) =>
    ask({
      method: 'PATCH',
      url: '/api/tasks/hourly',
      payload: { enabled },
      ...match && { headers: { 'if-match': match } }
    })
  const off = await patch(false, etag)
  t.equal(off.json().status, 'disabled')
  t.equal(off.json().next_run, null)
  t.not(off.headers.etag, etag)
  t.same(JSON.parse(readFileSync(join(root, 'config.json'), 'utf8')).tasks, { hourly: { enabled: false } })
  const late = await patch(true, etag)
  t.equal(late.statusCode, 412)
  t.equal(late.json().code, 'OFFPEAK_PRECONDITION_FAILED')
  t.equal((await patch(true, off.headers.etag as string)).json().enabled, true)
  t.equal((await patch(false, '*')).json().enabled, false)
  const now = (await ask({ url: '/api/tasks/hourly' })).headers.etag as string
  t.equal((await patch(false, `"x", ${now}`)).statusCode, 200, 'it may name several')
  t.equal((await patch(false, '"x", "y"')).statusCode, 412)
  const { items } = (await ask({ url: '/api/records?action=disable' })).json()
  t.match(items[0], { by: 'api', action: 'disable', subject: 'hourly' })
})

t.test('a requested run is accepted with its location, and executed', async t => {
  const { ask, post, finished } = await setup(t)
  const asked = await post(RUNS, { payload: { a: [1] } })
  t.equal(asked.statusCode, 202)
  t.equal(asked.headers.location, `/api/runs/${asked.json().id}`)
  t.ok(fits(Run, asked.json()))
  const run = await finished(asked.json().id)
  t.ok(fits(FullRun, run))
  t.match(run, {
    state: 'completed',
    label: 'completed',
    result: { a: [1] },
    attempt: 1,
    source: 'manual',
    attempts: [{ outcome: 'completed' }]
  })
  const logs = (await ask({ url: `/api/runs/${run.id}/logs` })).json()
  t.match(logs, { items: [{ seq: 1, level: 'info', text: 'received', data: { received: { a: [1] } } }], next: 1 })
  t.same((await ask({ url: `/api/runs/${run.id}/logs?after=1` })).json(), { items: [], next: 1 })
})

t.test('a repeated key returns the first run', async t => {
  const { ask, post } = await setup(t)
  const send = (key: string, payload = {}) =>
    ask({ method: 'POST', url: RUNS, payload, headers: { 'idempotency-key': key } })
  const first = await send('k1')
  const again = await send('k1')
  t.same([first.statusCode, again.statusCode], [202, 200])
  t.equal(again.json().id, first.json().id)
  t.equal(again.headers.location, first.headers.location)
  t.equal((await post(RUNS, { key: 'k1' })).json().id, first.json().id)
  t.equal((await send('k1', { key: 'k2' })).statusCode, 422)
})

t.test('a due run that waits is held, with the reason', async t => {
  const { func, release } = held()
  const { ask, post, finished } = await setup(t, { tasks: [{ id: 'slow', func, concurrency: 1 }] })
  const first = (await post('/api/tasks/slow/runs')).json().id
  const second = (await post('/api/tasks/slow/runs')).json().id
  const later = (await post('/api/tasks/slow/runs', { delay: '1h' })).json()
  t.match(later, { label: 'scheduled', held: null })
  const waiting = (await ask({ url: `/api/runs/${second}` })).json()
  t.equal(waiting.label, 'held')
  t.match(waiting.held, { code: /\w/, message: /1/ })
  t.equal(
    (await ask({ url: '/api/runs?state=queued' })).json().items.find((run: { id: string }) => run.id === second).label,
    'held'
  )
  release()
  t.match(await finished(first), { state: 'completed' })
  t.match(await finished(second), { state: 'completed', held: null })
})

t.test('cancel ends waiting runs, stops running ones, and refuses finished ones', async t => {
  const { func } = held()
  const { post, finished } = await setup(t, { tasks: [{ id: 'slow', func, concurrency: 1 }] })
  const running = (await post('/api/tasks/slow/runs')).json().id
  const waiting = (await post('/api/tasks/slow/runs', { delay: 60 })).json().id
  const ended = await post(`/api/runs/${waiting}/cancel`, { reason: 'not today' })
  t.equal(ended.statusCode, 200)
  t.match(ended.json(), { state: 'cancelled', reason: { message: 'not today', by: 'api' } })
  t.ok([200, 202].includes((await post(`/api/runs/${running}/cancel`)).statusCode))
  t.match(await finished(running), { state: 'cancelled' })
  const over = await post(`/api/runs/${running}/cancel`)
  t.equal(over.statusCode, 409)
  t.equal(over.json().code, 'OFFPEAK_RUN_CONFLICT')
})

t.test('retry queues a finished run again, and only a finished one', async t => {
  const { post, finished } = await setup(t)
  const { id } = (await post('/api/tasks/broken/runs')).json()
  t.match(await finished(id), { state: 'failed', label: 'dead', error: { message: 'it broke' } })
  const again = await post(`/api/runs/${id}/retry`)
  t.equal(again.statusCode, 202)
  t.equal(again.headers.location, `/api/runs/${id}`)
  t.equal((await finished(id)).attempts.length, 2)
  const later = (await post(RUNS, { delay: 60 })).json().id
  t.equal((await post(`/api/runs/${later}/retry`)).statusCode, 409)
})

t.test('runs are listed newest first, page by page, and filtered', async t => {
  const { ask, post, finished } = await setup(t)
  const ids: string[] = []
  for (let index = 0; index < 5; index++) ids.unshift((await post(RUNS)).json().id)
  await post('/api/tasks/broken/runs')
  await Promise.all(ids.map(finished))
  const seen: string[] = []
  for (let url: string | undefined = '/api/runs?task=echo&limit=2&state=completed'; url !== undefined;) {
    const answer = await ask({ url })
    const { items, next } = answer.json()
    seen.push(...items.map((run: { id: string }) => run.id))
    const link: string | undefined = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link))?.[1]
    t.equal(link !== undefined, next !== null)
    url = link
  }
  t.same(seen, ids)
  const count = async (query: string) => (await ask({ url: `/api/runs?${query}` })).json().items.length
  t.equal(await count('state=completed&state=failed'), await count('state=completed,failed'))
  t.equal(await count(`to=${encodeURIComponent('2000-01-01T00:00:00Z')}`), 0)
  t.equal(await count(`from=${encodeURIComponent('2000-01-01T00:00:00+02:00')}`), 6)
  t.equal(await count('source=schedule'), 0)
  t.equal((await ask({ url: '/api/tasks/echo/runs?limit=1' })).json().items.length, 1)
  t.equal((await ask({ url: '/api/tasks/nope/runs' })).statusCode, 404)
})

t.test('a running run has progress', async t => {
  const { func, release } = held()
  const work = async (ctx: Parameters<typeof func>[0]) => {
    ctx.progress.setTotal(4, 'files')
    ctx.progress.update(1, 'first')
    await func(ctx)
  }
  const { ask, post, finished, manager } = await setup(t, { tasks: [{ id: 'slow', func: work }] })
  const { id } = (await post('/api/tasks/slow/runs')).json()
  await manager.runner.settled()
  await manager.beat('flush')
  t.match((await ask({ url: `/api/runs/${id}/progress` })).json(), {
    id,
    state: 'running',
    progress: { current: 1, total: 4, percentage: 25, unit: 'files', message: 'first' }
  })
  release()
  await finished(id)
})

t.test('schedules are added and removed at run time, except those of files', async t => {
  const { ask, post } = await setup(t)
  const added = await post('/api/schedules', {
    task: 'echo',
    trigger: 'cron',
    trigger_args: { hour: 3 },
    timezone: 'Europe/Rome',
    payload: { deep: true }
  })
  t.equal(added.statusCode, 201)
  t.ok(fits(Schedule, added.json()))
  t.match(added.json(), {
    task: 'echo',
    origin: 'api',
    timezone: 'Europe/Rome',
    payload: { deep: true },
    created_by: 'api'
  })
  t.same((await ask({ url: added.headers.location as string })).json(), added.json())
  t.equal((await ask({ url: '/api/schedules?task=echo' })).json().length, 1)
  for (const wrong of [{ task: 'nope', trigger: '* * * * *' }, {
    task: 'echo',
    trigger: 'cron',
    trigger_args: { hour: 25 }
  }, { task: 'echo', trigger: 'interval', trigger_args: { minutes: 1 }, timezone: 'Mars/Base' }, { task: 'echo' }]) {
    t.ok([404, 422].includes((await post('/api/schedules', wrong)).statusCode), JSON.stringify(wrong))
  }
  const remove = (id: string) => ask({ method: 'DELETE', url: `/api/schedules/${id}` })
  const removed = await remove(added.json().id)
  t.same([removed.statusCode, removed.body], [204, ''])
  t.equal((await remove(added.json().id)).statusCode, 404)
  t.equal((await remove('hourly')).statusCode, 409)
})

t.test('a schedule outside the calendar is refused, and the lists still work', async t => {
  const { ask, post } = await setup(t)
  for (const args of [{ weeks: 1e300 }, { seconds: 1e-9 }, { minutes: 5, jitter: 1e30 }, { years: 1 }]) {
    t.equal((await post('/api/schedules', { task: 'echo', trigger: 'interval', trigger_args: args })).statusCode, 422,
      JSON.stringify(args))
  }
  t.equal((await ask({ url: '/api/schedules' })).json().length, 1)
  t.equal((await ask({ url: '/api/tasks' })).statusCode, 200)
})

t.test('manual changes are listed newest first, page by page', async t => {
  const { ask, post } = await setup(t)
  for (let index = 0; index < 3; index++) await post(RUNS)
  const { items, next } = (await ask({ url: '/api/records?limit=2' })).json()
  t.match(items, [{ action: 'run', by: 'api', detail: { task: 'echo' } }, { action: 'run' }])
  const rest = (await ask({ url: `/api/records?limit=2&before=${next}` })).json()
  t.equal(rest.items.length, 1)
  t.equal(rest.next, null)
})
