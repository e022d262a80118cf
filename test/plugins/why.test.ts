import t from 'tap'
import { Check } from 'typebox/value'
import { Explanation, HeldTime } from '../../plugins/_schema/holding.ts'
import { FullRun } from '../../plugins/_schema/run.ts'
import { Task } from '../../plugins/_schema/task.ts'
import { HOUR, MINUTE, laptop } from './holding.ts'
import { held, setup } from './setup.ts'
import { START } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'

const MAINS = {
  id: 'backup',
  func: () => 'done',
  constraints: { power: 'mains' as const },
  description: 'a sync of photos'
}
const gateOf = (why: { gates: { gate: string }[] }, name: string) => why.gates.find(({ gate }) => gate === name)

t.test('why lists every gate with its value, its limit, since when, and its source', async t => {
  const it = await laptop(t, { tasks: [MAINS] })
  const run = (await it.post('/api/tasks/backup/runs')).json()
  await it.manager.runner.settled()
  await it.later(2 * HOUR)
  const why = await it.get('/api/tasks/backup/why')
  t.ok(Check(Explanation, why))
  t.match(why, {
    task: 'backup',
    run: run.id,
    at: '2026-11-22T14:00:00.000Z',
    decision: 'hold',
    message: 'on battery',
    class: { class: 'background' },
    advice: { decision: 'defer_to_charging' }
  })
  t.match(gateOf(why, 'power'), {
    ok: false,
    observed: 'battery',
    required: 'mains',
    since: '2026-11-22T12:00:00.000Z',
    clears_at: null,
    certain: false,
    kind: 'condition',
    place: { file: 'code', pointer: '/constraints/power' }
  })
  t.match(gateOf(why, 'disk'), { ok: true, source: '/resources/disk_reserve' })
  t.same(why.earliest, { at: '2026-11-23T12:00:00.000Z', certain: false }, 'it starts at its deadline, come what may')
  t.same(why.deadline, { at: '2026-11-23T12:00:00.000Z', on_deadline: 'run' })
  t.match(why.holds, [{ message: 'on battery', from: '2026-11-22T12:00:00.000Z', to: null, seconds: 7200 }])
  t.same(await it.get(`/api/runs/${run.id}/why`), why, 'the task and its run have the same explanation')
})

t.test('why for the past is answered from the recorded holds', async t => {
  const it = await laptop(t, { tasks: [MAINS] })
  const { id } = (await it.post('/api/tasks/backup/runs')).json()
  await it.manager.runner.settled()
  await it.later(12 * MINUTE)
  it.mains()
  await it.later(2 * MINUTE)
  t.match(await it.finished(id), { state: 'completed' })
  await it.later(HOUR)
  const at = async (path: string, instant: string) => await it.get(`/api/${path}/why?at=2026-11-22T${instant}Z`)
  t.match(await at(`runs/${id}`, '12:05:00'), {
    decision: 'hold',
    message: 'on battery',
    gates: [],
    holds: [{ to: null, seconds: 300 }]
  })
  t.match(await at('tasks/backup', '12:05:00'), { run: id, decision: 'hold', message: 'on battery' })
  t.match(await at('tasks/backup', '12:30:00'), {
    run: id,
    decision: 'completed',
    holds: [{ to: '2026-11-22T12:14:00.000Z', seconds: 840 }]
  })
  t.match(await at('tasks/backup', '11:00:00'), { run: null, decision: 'hold', message: 'it had no run then' })
  t.match(await it.get('/api/tasks/backup/why'), { run: null, decision: 'start' })
})

t.test('why for the future is predicted by clock and calendar', async t => {
  const tasks = [{
    id: 'nightly',
    func: () => 1,
    trigger: 'cron',
    trigger_args: { hour: 20 },
    timezone: 'UTC',
    constraints: { window: 'off_peak' }
  }]
  const it = await laptop(t, { tasks })
  const why = await it.get('/api/tasks/nightly/why?at=2026-11-22T21:00:00Z')
  t.match(why, { decision: 'hold', earliest: { at: '2026-11-22T22:00:00.000Z', certain: false } },
    'load may still hold it then')
  t.match(gateOf(why, 'window'), {
    ok: false,
    required: 'off_peak',
    clears_at: '2026-11-22T22:00:00.000Z',
    certain: true,
    since: null
  })
  t.match(await it.get('/api/tasks/nightly/why?at=2026-11-22T22:30:00Z'), {
    decision: 'start',
    message: 'every gate is open'
  })
})

t.test('an occupied slot is expected to be free at the end of its run, uncertainly', async t => {
  const { func, release } = held()
  const it = await laptop(t, { tasks: [{ id: 'slow', func, concurrency: 1 }] })
  await it.post('/api/tasks/slow/runs')
  await it.post('/api/tasks/slow/runs')
  await it.manager.runner.settled()
  t.match(await it.get('/api/tasks/slow/why'), {
    decision: 'hold',
    earliest: { at: '2026-11-22T12:01:00.000Z', certain: false }
  })
  await it.post('/api/pauses', { scope: 'all', for: '1h' })
  t.match(await it.get('/api/tasks/slow/why'), {
    message: /paused/,
    earliest: { at: '2026-11-22T13:00:00.000Z', certain: false }
  })
  release()
})

t.test('the clock may advance during an explanation', async t => {
  let now = START
  const { senses } = fakeSenses({ now: () => now, monotonic: () => now })
  const it = await setup(t, {
    tasks: [{ ...MAINS, constraints: { signals: { solar: '> 500' } } }],
    options: { senses, clock: { now: () => now++, monotonic: () => now } }
  })
  const { id } = (await it.post('/api/tasks/backup/runs')).json()
  for (const url of ['/api/tasks/backup/why', `/api/runs/${id}/why`]) {
    t.match((await it.ask({ url })).json(), {
      run: id,
      decision: 'hold',
      message: 'signal solar is not set',
      gates: [{ gate: 'task' }]
    }, url)
  }
})

t.test('an unknown task, run or instant is refused', async t => {
  const it = await laptop(t, { tasks: [MAINS] })
  t.equal((await it.ask({ url: '/api/tasks/nope/why' })).statusCode, 404)
  t.equal((await it.ask({ url: '/api/runs/nope/why' })).statusCode, 404)
  for (const at of ['yesterday', '2026-11-22T12:00:00']) {
    t.match((await it.ask({ url: `/api/tasks/backup/why?at=${at}` })).json(), {
      status: 422,
      errors: [{ pointer: '/query/at' }]
    })
  }
})

t.test('tasks and runs show what holds them and until when', async t => {
  const it = await laptop(t, {
    tasks: [{
      ...MAINS,
      deadline: '6h',
      on_deadline: 'skip',
      on_lost: 'yield',
      flex: '1h',
      constraints: { power: 'mains', signals: { solar: '> 500' } }
    }]
  })
  const { id } = (await it.post('/api/tasks/backup/runs')).json()
  await it.manager.runner.settled()
  await it.later(MINUTE)
  const task = await it.get('/api/tasks/backup')
  t.ok(Check(Task, task))
  t.match(task, {
    status: 'held',
    held: { message: 'on battery' },
    class: { class: 'background', because: /sync/ },
    constraints: { power: 'mains', signals: { solar: '> 500' } },
    deadline: 21_600,
    on_deadline: 'skip',
    on_unmet: 'hold',
    on_lost: 'yield',
    flex: 3600,
    preemptible: true
  })
  const run = await it.get(`/api/runs/${id}`)
  t.ok(Check(FullRun, run))
  t.match(run, {
    label: 'held',
    deadline_at: '2026-11-22T18:00:00.000Z',
    moved: null,
    holds: [{ message: 'on battery', from: '2026-11-22T12:00:00.000Z', to: null, seconds: 60 }]
  })
  t.match((await it.get('/api/runs')).items, [{ id, deadline_at: '2026-11-22T18:00:00.000Z' }])
})

t.test('time held adds up by task and reason, up to now', async t => {
  const it = await laptop(t, { tasks: [MAINS] })
  const { id } = (await it.post('/api/tasks/backup/runs')).json()
  await it.manager.runner.settled()
  await it.later(2 * HOUR)
  const code = (await it.get(`/api/runs/${id}`)).holds[0].code
  const held = await it.get('/api/stats/held')
  t.ok(held.items.every((item: unknown) => Check(HeldTime, item)))
  t.same(held, {
    from: '2026-11-15T00:00:00.000Z',
    to: '2026-11-23T00:00:00.000Z',
    items: [{ task: 'backup', code, seconds: 7200, runs: 1 }]
  })
  t.same((await it.get('/api/stats/held?to=2026-11-21T12:00:00Z')).items, [], 'another week has its own')
  t.match((await it.ask({ url: '/api/stats/held?from=2026-11-22T12:00:00Z&to=2026-11-21T12:00:00Z' })).json(), {
    status: 422,
    errors: [{ pointer: '/query/from' }]
  })
})

t.test('why says first that a task does not start runs by itself', async t => {
  const it = await laptop(t, {
    tasks: [
      { id: 'off', func: () => 1, trigger: '@daily', enabled: false },
      { id: 'asked', func: () => 1, constraints: { power: 'mains' } },
      { id: 'never', func: () => 1, trigger: '30 2 30 2 *' },
      { id: 'daily', func: () => 1, trigger: '@daily' }
    ]
  })
  const why = (id: string) => it.get(`/api/tasks/${id}/why`)
  t.match(await why('off'), {
    resting: { code: 'task_disabled' },
    message: 'the task is disabled; switch it on with `offpeak enable off`; `offpeak run off` starts it'
  })
  t.match(await why('never'), {
    resting: { code: 'never_fires' },
    message: /^the trigger never fires: .*; `offpeak run never` starts it$/
  })
  t.match(await why('asked'), {
    resting: { code: 'no_trigger' },
    message: /^the task has no trigger: .*; `offpeak run asked` starts it in spite of: on battery/
  })
  t.match(await why('daily'), { resting: null, message: /^due in/ })
  const enabled = async (id: string) =>
    (await why(id)).gates.find(({ gate }: { gate: string }) => gate === 'enabled')?.place
  t.match(await enabled('off'), { pointer: '/enabled' }, 'what the file says stands there')
  await it.manager.enable('daily', false, { by: 'ada' })
  t.match(await enabled('daily'), { file: /config\.json$/, pointer: '/tasks/daily/enabled', line: Number },
    'and what the configuration says there')
  t.match(await it.get('/api/tasks/off/why?at=2026-11-01T00:00Z'), { resting: null, message: 'it had no run then' })
  await it.post('/api/tasks/asked/runs')
  await it.manager.runner.settled()
  t.match(await why('asked'), { resting: null, message: /^on battery/ }, 'what is asked then is why its run waits')
})

t.test('a schedule of a disabled task rests until the task is enabled', async t => {
  const it = await laptop(t, { tasks: [{ id: 'off', func: () => 1, enabled: false }, { id: 'on', func: () => 1 }] })
  const made = await it.post('/api/schedules', { task: 'off', trigger: 'interval', trigger_args: { minutes: 1 } })
  t.equal(made.statusCode, 201)
  t.match(made.json(), {
    next_at: null,
    nominal_at: null,
    resting: true,
    reason: { code: 'task_disabled', message: /offpeak enable off/ }
  })
  t.match((await it.post('/api/schedules', { task: 'on', trigger: 'interval', trigger_args: { minutes: 1 } })).json(), {
    next_at: '2026-11-22T12:01:00.000Z',
    resting: false,
    reason: null
  })
  await it.later(3 * MINUTE)
  await it.manager.fire()
  t.same((await it.get('/api/runs?task=off')).items, [])
  t.match(await it.get(`/api/schedules/${made.json().id}`), { next_at: null, resting: true })
  await it.ask({ method: 'PATCH', url: '/api/tasks/off', payload: { enabled: true } })
  await it.manager.planner.sync()
  t.match(await it.get(`/api/schedules/${made.json().id}`), {
    next_at: '2026-11-22T12:04:00.000Z',
    resting: false,
    reason: null
  })
})
