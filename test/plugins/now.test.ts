import t from 'tap'
import { Check } from 'typebox/value'
import { HOUR, laptop } from './holding.ts'
import { RequestedRun } from '../../plugins/_schema/run.ts'

const TASKS = [
  { id: 'backup', func: () => 'done', constraints: { power: 'mains' as const } },
  {
    id: 'single',
    func: ({ signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    concurrency: 1,
    constraints: { power: 'mains' as const }
  }
]
const RUNS = '/api/tasks/backup/runs'

t.test('a run requested now passes its conditions, lists them, and is recorded', async t => {
  const it = await laptop(t, { tasks: TASKS })
  const asked = await it.ask({ method: 'POST', url: RUNS, payload: { now: true }, headers: { 'x-offpeak-by': 'ann' } })
  t.equal(asked.statusCode, 202)
  t.ok(Check(RequestedRun, asked.json()))
  t.match(asked.json(), {
    now: true,
    held: null,
    passes: [{ gate: 'power', code: 'on_battery', message: 'on battery' }]
  })
  t.match(await it.finished(asked.json().id), { state: 'completed', result: 'done' })
  const { items } = await it.get('/api/records')
  t.match(items, [{
    by: 'ann',
    action: 'run',
    subject: asked.json().id,
    detail: { task: 'backup', now: true, passes: ['on_battery'] }
  }])
})

t.test('a run requested by a program is held, and the reason names the command that starts it', async t => {
  const it = await laptop(t, { tasks: TASKS })
  const asked = (await it.post(RUNS)).json()
  await it.manager.runner.settled()
  t.notOk('passes' in asked)
  const command = `on battery (40 %), needs mains; start it now with: offpeak now ${asked.id}`
  t.match(await it.get(`/api/runs/${asked.id}`), { label: 'held', now: false, held: { code: 'on_battery' } })
  t.equal((await it.get(`/api/runs/${asked.id}`)).held.message, command)
  t.equal((await it.get('/api/runs')).items[0].held.message, command)
  t.equal((await it.get('/api/tasks/backup')).held.message, command)
  t.equal((await it.get('/api/tasks/backup/why')).message, command)
  t.equal((await it.get(`/api/runs/${asked.id}/why`)).message, command)
  const [bulk, flow] = [await it.post('/api/runs/bulk', { runs: [{ task: 'backup', now: true }] }),
    await it.post('/api/flows', { runs: [{ task: 'backup', now: true }] })]
  t.same([bulk.statusCode, flow.statusCode], [422, 422], 'many runs are never asked for at once')
})

t.test('a waiting run is started by hand', async t => {
  const it = await laptop(t, { tasks: TASKS })
  const { id } = (await it.post(RUNS)).json()
  await it.manager.runner.settled()
  const answer = await it.ask({ method: 'POST', url: `/api/runs/${id}/now`, headers: { 'x-offpeak-by': 'ann' } })
  t.equal(answer.statusCode, 200)
  t.match(answer.json(), { id, now: true, passes: [{ code: 'on_battery' }] })
  t.match(await it.finished(id), { state: 'completed' })
  t.match((await it.get('/api/records')).items, [{
    by: 'ann',
    action: 'run_now',
    subject: id,
    detail: { task: 'backup', passes: ['on_battery'] }
  }, { action: 'run' }])
  t.match((await it.post(`/api/runs/${id}/now`)).json(), { status: 409, code: 'OFFPEAK_RUN_CONFLICT' })
  t.equal((await it.post('/api/runs/nobody/now')).statusCode, 404)
  const later = (await it.post(RUNS, { delay: HOUR / 1000 })).json()
  t.match((await it.post(`/api/runs/${later.id}/now`)).json(), { due_at: '2026-11-22T12:00:00.000Z' },
    'one that is due later is due now')
  t.match(await it.finished(later.id), { state: 'completed' })
})

t.test('a run requested now passes neither a pause nor a slot limit', async t => {
  const it = await laptop(t, { tasks: TASKS })
  await it.post('/api/pauses', { scope: 'task', name: 'backup' })
  const paused = (await it.post(RUNS, { now: true })).json()
  t.match(paused, { label: 'held', held: { code: 'paused' } })
  t.notMatch(paused.held.message, /offpeak now/)
  await it.post('/api/tasks/single/runs', { now: true })
  await it.manager.runner.settled()
  const second = (await it.post('/api/tasks/single/runs', { now: true })).json()
  await it.manager.runner.settled()
  t.match(await it.get(`/api/runs/${second.id}`), { label: 'held', held: { message: /^(?!.*offpeak now)/ } })
  for (const { id } of (await it.get('/api/runs')).items) await it.post(`/api/runs/${id}/cancel`)
})

t.test('now cannot be combined with another instant', async t => {
  const it = await laptop(t, { tasks: TASKS })
  for (const [name, value] of [['delay', '1h'], ['due_at', '2030-01-01T00:00Z']] as const) {
    t.match((await it.post(RUNS, { now: true, [name]: value })).json(), {
      status: 422,
      errors: [{ pointer: '/now', detail: `cannot be combined with '${name}'` }]
    })
  }
  t.match((await it.post(RUNS, { now: false, delay: '1h' })).json(), { now: false, label: 'scheduled' })
})

t.test('a run that started after it was read is not held', async t => {
  const it = await laptop(t, { tasks: TASKS })
  it.mains()
  await it.manager.look()
  await it.post('/api/pauses', { scope: 'task', name: 'single' })
  const [first, second] = [(await it.post('/api/tasks/single/runs')).json(),
    (await it.post('/api/tasks/single/runs')).json()]
  const [before, waiting] = [await it.manager.desk.run(first.id), await it.manager.desk.run(second.id)]
  t.equal(it.manager.desk.verdict(before)?.decision, 'hold', 'it is held while it waits')
  await it.send('DELETE', '/api/pauses?scope=task&name=single')
  await it.manager.runner.settled()
  t.match(await it.get(`/api/runs/${first.id}`), { state: 'running', held: null })
  t.equal(it.manager.desk.verdict(before), null)
  t.match(await it.manager.explain.run(before), { decision: 'running' })
  t.match(it.manager.desk.verdict(waiting), { decision: 'hold' }, 'another one is held by it')
  for (const { id } of [second, first]) await it.post(`/api/runs/${id}/cancel`)
})
