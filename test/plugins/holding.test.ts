import t from 'tap'
import { Check } from 'typebox/value'
import { Start, Pause } from '../../plugins/_schema/holding.ts'
import { Machine, Point, Signal } from '../../plugins/_schema/machine.ts'
import { HOUR, MINUTE, laptop } from './holding.ts'
import { until } from '../clock.ts'

const SUNNY = { id: 'wash', func: () => 'clean', constraints: { signals: { solar: '> 500' } } }
const PLAIN = { id: 'plain', func: () => 1, queue: 'media', tags: ['disk'] }

t.test('a signal opens its gate at once, and is listed until it expires', async t => {
  const it = await laptop(t, { tasks: [SUNNY] })
  const { id } = (await it.post('/api/tasks/wash/runs')).json()
  await it.manager.runner.settled()
  t.match(await it.get(`/api/runs/${id}`), { label: 'held', held: { message: 'signal solar is not set' } })
  await it.send('PUT', '/api/signals/solar', { value: 120, ttl: '1h' })
  t.match((await it.get(`/api/runs/${id}`)).held, { message: 'signal solar is 120, needs > 500' })
  const put = await it.send('PUT', '/api/signals/solar', { value: 650, ttl: '1h' })
  t.same(put.json(), {
    name: 'solar',
    value: 650,
    at: '2026-11-22T12:00:00.000Z',
    expires_at: '2026-11-22T13:00:00.000Z'
  })
  t.match(await it.finished(id), { state: 'completed' }, 'without another look at the machine')
  const list = await it.get('/api/signals')
  t.ok(list.every((one: unknown) => Check(Signal, one)))
  t.same(list, [put.json()])
  it.clock.advance(HOUR)
  t.same(await it.get('/api/signals'), [])
})

t.test('signals of every type are returned as sent, and deleted on request', async t => {
  const it = await laptop(t)
  for (const value of [0, -4.5, 'away', '', true, false]) {
    t.equal((await it.send('PUT', '/api/signals/kind', { value, ttl: 60 })).json().value, value)
  }
  t.equal((await it.send('DELETE', '/api/signals/kind')).statusCode, 204)
  t.match((await it.send('DELETE', '/api/signals/kind')).json(), { status: 404, code: 'OFFPEAK_SIGNAL_NOT_FOUND' })
  for (const [payload, pointer] of [[{ ttl: 60 }, ''], [{ value: null, ttl: 60 }, '/value'], [{ value: [1], ttl: 60 },
    '/value'], [{ value: 1, tll: 60 }, '/tll']] as const) {
    const answer = await it.send('PUT', '/api/signals/kind', payload)
    t.match(answer.json(), { status: 422, errors: [{ pointer }] }, JSON.stringify(payload))
  }
  t.equal((await it.send('PUT', '/api/signals/kind', { value: 1, ttl: 'soon' })).statusCode, 422)
})

t.test('a signal needs a ttl, unless the configuration declares it', async t => {
  const it = await laptop(t, { config: { signals: { price: { ttl: '15m' } } } })
  t.match((await it.send('PUT', '/api/signals/solar', { value: 1 })).json(), {
    status: 422,
    code: 'OFFPEAK_SIGNAL_INVALID',
    pointer: '/ttl',
    detail: /'ttl' is missing.*signals\.solar/
  })
  t.equal((await it.send('PUT', '/api/signals/price', { value: 1 })).statusCode, 200)
})

t.test('runs of a paused scope wait until it is resumed', async t => {
  const it = await laptop(t, { tasks: [PLAIN, { ...SUNNY, constraints: {} }] })
  const paused = await it.post('/api/pauses', { scope: 'queue', name: 'media', for: '2h', reason: 'a film' })
  t.equal(paused.statusCode, 201)
  t.ok(Check(Pause, paused.json()))
  t.same(paused.json(), {
    scope: 'queue',
    name: 'media',
    until: '2026-11-22T14:00:00.000Z',
    by: 'api',
    at: '2026-11-22T12:00:00.000Z',
    reason: 'a film'
  })
  t.same(await it.get('/api/pauses'), [paused.json()])
  const { id } = (await it.post('/api/tasks/plain/runs')).json()
  const other = (await it.post('/api/tasks/wash/runs')).json().id
  t.match(await it.finished(other), { state: 'completed' }, 'what is not paused goes on')
  await until('its slot is free', () => it.manager.runner.active.size === 0)
  t.match(await it.get(`/api/runs/${id}`), {
    label: 'held',
    held: { code: 'paused', message: /queue media is paused by api until .*: a film/ }
  })
  t.match(await it.get('/api/tasks/plain/why'), { earliest: { at: '2026-11-22T14:00:00.000Z', certain: false } },
    'load may still hold it then')
  t.equal((await it.send('DELETE', '/api/pauses?scope=queue&name=media')).statusCode, 204)
  t.match(await it.finished(id), { state: 'completed' })
  t.match(await it.get('/api/records'), {
    items: [{ action: 'resume', subject: 'queue/media', by: 'api' }, { action: 'run' }, { action: 'run' }, {
      action: 'pause',
      subject: 'queue/media',
      detail: { reason: 'a film' }
    }]
  })
})

t.test('a pause ends by itself', async t => {
  const it = await laptop(t, { tasks: [PLAIN] })
  await it.post('/api/pauses', { scope: 'all', until: '2026-11-22T12:30:00Z' })
  const { id } = (await it.post('/api/tasks/plain/runs')).json()
  await it.later(29 * MINUTE)
  t.match(await it.get(`/api/runs/${id}`), { held: { message: /everything is paused/ } })
  await it.later(MINUTE)
  t.match(await it.finished(id), { state: 'completed' })
  t.same(await it.get('/api/pauses'), [])
})

t.test('a pause with a wrong scope, name or end is refused', async t => {
  const it = await laptop(t, { tasks: [PLAIN] })
  const wrong: [object, number, RegExp][] = [
    [{ scope: 'task', name: 'plane' }, 404, /'plane'/],
    [{ scope: 'queue', name: 'medai' }, 422, /no task has that queue; existing: media/],
    [{ scope: 'tag', name: 'disc' }, 422, /existing: disk/],
    [{ scope: 'queue' }, 422, /expected the name of a queue/],
    [{ scope: 'all', name: 'media' }, 422, /no name with scope 'all'/],
    [{ scope: 'some' }, 422, /one of 'all'/],
    [{ scope: 'all', for: 60, until: '2026-11-23T00:00:00Z' }, 422, /cannot be combined/],
    [{ scope: 'all', until: '2026-11-22T11:00:00Z' }, 422, /expected an end after/],
    [{ scope: 'all', for: 0 }, 422, /expected an end after/],
    [{ scope: 'all', for: '200 years' }, 422, /ten years/],
    [{ scope: 'all', until: 'tomorrow' }, 422, /\/until found 'tomorrow'/]
  ]
  for (const [payload, status, words] of wrong) {
    t.match((await it.post('/api/pauses', payload)).json(), { status, detail: words }, JSON.stringify(payload))
  }
  t.same(await it.get('/api/pauses'), [])
  t.match((await it.send('DELETE', '/api/pauses?scope=tag&name=disk')).json(), {
    status: 404,
    code: 'OFFPEAK_PAUSE_NOT_FOUND',
    detail: "There is no pause of tag 'disk'"
  })
})

t.test('the forecast lists each start with what it depends on', async t => {
  const cron = (hour: number) => ({ func: () => 1, trigger: 'cron', trigger_args: { hour }, timezone: 'UTC' })
  const it = await laptop(t, {
    tasks: [
      { id: 'free', class: 'critical', ...cron(13) },
      { id: 'night', ...cron(14), constraints: { window: 'off_peak' } },
      { id: 'plugged', ...cron(15), constraints: { power: 'mains' }, deadline: '2h' }
    ]
  })
  await it.finished((await it.post('/api/tasks/free/runs')).json().id)
  const { from, to, items } = await it.get('/api/forecast')
  t.same([from, to], ['2026-11-22T12:00:00.000Z', '2026-11-23T12:00:00.000Z'])
  t.ok(items.every((item: unknown) => Check(Start, item)))
  const at = (hour: number) => `2026-11-22T${hour}:00:00.000Z`
  t.match(items, [
    {
      task: 'free',
      stage: 'planned',
      nominal_at: at(13),
      earliest_at: at(13),
      likely_at: at(13),
      latest_at: at(13),
      certainty: 'certain',
      depends_on: [],
      took: { runs: 1 }
    },
    {
      task: 'plugged',
      nominal_at: at(15),
      earliest_at: at(15),
      likely_at: at(17),
      latest_at: at(17),
      certainty: 'conditional',
      depends_on: [{ gate: 'power', ok: false, message: 'on battery' }]
    },
    { task: 'night', nominal_at: at(14), earliest_at: at(22), likely_at: at(22), certainty: 'conditional', took: null }
  ])
  t.equal((await it.get('/api/forecast?hours=2')).items.length, 1)
  for (const hours of [0, 337, 'x']) t.equal((await it.ask({ url: `/api/forecast?hours=${hours}` })).statusCode, 422)
})

t.test('a forecast of too many starts is refused with a possible number of hours', async t => {
  const it = await laptop(t, {
    tasks: Array.from({ length: 8 }, (_, i) => ({ id: `t${i}`, func: () => 1, trigger: '* * * * *' }))
  })
  t.match((await it.ask({ url: '/api/forecast?hours=24' })).json(), {
    status: 422,
    code: 'OFFPEAK_FORECAST_TOO_LARGE',
    detail: /More than 10000 fires/,
    fix: 'Ask for 20 hours at most.'
  })
})

t.test('readings/now shows the machine and what follows from it', async t => {
  const troubles = [{ sensor: 'temperature', message: 'it hangs', since: Date.parse('2026-11-22T11:00:00Z') }]
  const it = await laptop(t, { senses: { troubles: () => troubles } })
  await it.send('PUT', '/api/signals/solar', { value: 650, ttl: '1h' })
  const now = await it.get('/api/readings/now')
  t.ok(Check(Machine, now))
  t.match(now, {
    reading: {
      at: '2026-11-22T12:00:00.000Z',
      power: 'battery',
      battery: { level: 40 },
      temperature: 45,
      signals: { solar: { value: 650, expires_at: '2026-11-22T13:00:00.000Z' } }
    },
    profile: 'battery_normal',
    window: { name: 'peak', closes_at: '2026-11-22T22:00:00.000Z' },
    hints: { batch_size: 8 },
    recommendation: 'process_now',
    advice: {
      critical: { decision: 'execute_now' },
      background: { decision: 'defer_to_background' },
      charging_only: { decision: 'defer_to_charging' }
    },
    troubles: [{ sensor: 'temperature', message: 'it hangs', since: '2026-11-22T11:00:00.000Z' }]
  })
  t.match(await it.get('/api/health'), { status: 'ok', sensors: { ok: false, troubles: now.troubles } },
    'and health names the sensor, which stops nothing')
})

t.test('past readings have a bounded number of points', async t => {
  const asked: unknown[] = []
  const it = await laptop(t, {
    senses: {
      query: ask => {
        asked.push(ask)
        return [{ at: ask.from, count: 12, values: { power: 'battery', cpu_busy: 0.25, online: true } }]
      }
    }
  })
  const hour = await it.get('/api/readings')
  t.same(hour, {
    from: '2026-11-22T11:00:00.000Z',
    to: '2026-11-22T12:00:00.000Z',
    step: 5,
    items: [{ at: '2026-11-22T11:00:00.000Z', count: 12, values: { power: 'battery', cpu_busy: 0.25, online: true } }]
  })
  t.ok(Check(Point, hour.items[0]))
  t.equal((await it.get('/api/readings?from=2026-10-23T12:00:00Z')).step, 3600, 'a month comes in hours')
  t.equal((await it.get('/api/readings?from=2026-11-22T00:00:00Z&step=5m')).step, 300)
  t.same(asked.at(-1), {
    from: Date.parse('2026-11-22T00:00:00Z'),
    to: Date.parse('2026-11-22T12:00:00Z'),
    step: 5 * MINUTE
  })
  for (const [query, pointer] of [['from=2026-10-22T00:00:00Z&step=5', '/query/step'], ['from=2026-11-23T00:00:00Z',
    '/query/from'], ['step=0', '/query/step'], ['from=1', '/query/from']]) {
    t.match((await it.ask({ url: `/api/readings?${query}` })).json(), { status: 422, errors: [{ pointer }] },
      String(query))
  }
  t.equal((await it.get('/api/readings?from=1970-01-01T00:00:00Z')).items.length, 1, 'and all of time too')
})
