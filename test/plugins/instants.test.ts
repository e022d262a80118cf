import t from 'tap'
import { setup } from './setup.ts'

const WRONG = ['2030-02-30T00:00:00Z', '2030-13-01T00:00:00Z', '2030-01-01T25:00Z', '2030-01-01T00:00',
  '2030-01-01 00:00', '2030-01-01', 'Fri, 01 Jan 2030 00:00:00 GMT']

type Ask = Awaited<ReturnType<typeof setup>>['ask']

/** Each place in which a request has an instant: its pointer, and the request with an instant in it. */
function placesOfInstants (ask: Ask, id: string): [pointer: string, send: (at: string) => ReturnType<Ask>][] {
  const send = (method: 'POST' | 'PATCH', url: string, payload: object) => ask({ method, url, payload })
  type Places = ReturnType<typeof placesOfInstants>
  const filters = ['cancel', 'retry', 'delete'].map((
    act
  ): Places[number] => ['/filter/from',
    at => send('POST', `/api/runs/${act}`, { filter: { from: at }, dry_run: true })]
  )
  const queries = ['runs', 'readings', 'stats', 'stats/held', 'timeline'].flatMap(url =>
    ['from', 'to'].map((
      name
    ): Places[number] => [`/query/${name}`, at => ask({ url: `/api/${url}`, query: { [name]: at } })])
  )
  return [
    ['/due_at', at => send('POST', '/api/tasks/echo/runs', { due_at: at })],
    ['/due_at', at => send('PATCH', `/api/runs/${id}`, { due_at: at })],
    ['/runs/1/due_at',
      at => send('POST', '/api/runs/bulk', { runs: [{ task: 'echo' }, { task: 'echo', due_at: at }] })],
    ['/runs/0/due_at', at => send('POST', '/api/flows', { runs: [{ task: 'echo', due_at: at }] })],
    ['/until', at => send('POST', '/api/pauses', { scope: 'all', until: at })],
    ...filters,
    ['/filter/to', at => send('POST', '/api/runs/cancel', { filter: { to: at }, dry_run: true })],
    ['/query/at', at => ask({ url: '/api/tasks/echo/why', query: { at } })],
    ['/query/at', at => ask({ url: `/api/runs/${id}/why`, query: { at } })],
    ...queries
  ]
}

t.test('an instant without a zone or with a day that does not exist is refused with its place', async t => {
  const { ask, post } = await setup(t)
  const { id } = (await post('/api/tasks/echo/runs', { delay: '1h' })).json()
  for (const [pointer, asked] of placesOfInstants(ask, id)) {
    for (const at of WRONG) {
      const answer = await asked(at)
      t.match(answer.json(), {
        status: 422,
        code: 'OFFPEAK_INPUT_INVALID',
        errors: [{
          pointer,
          detail: `found '${at}', expected an instant with a zone, such as 2026-11-22T03:00:00Z`
        }]
      }, `${pointer} ${at}`)
    }
    const taken = await asked('2030-01-01T00:00+02:00')
    t.ok(
      taken.statusCode < 300 ||
        (pointer.endsWith('from') && taken.statusCode === 422 && !/with a zone/.test(taken.body)),
      `${pointer} takes an offset: ${taken.statusCode}`
    )
  }
  t.equal((await ask({ url: `/api/runs/${id}` })).json().due_at, '2029-12-31T22:00:00.000Z')
})

t.test('a run_date is read in the zone of its task, and has to exist', async t => {
  const { post } = await setup(t)
  const made = await post('/api/schedules', {
    task: 'hourly',
    trigger: 'date',
    trigger_args: { run_date: '2030-01-01 12:00:00' },
    timezone: 'Asia/Tokyo'
  })
  t.match(made.json(), { next_at: '2030-01-01T03:00:00.000Z' })
  for (const date of ['2030-02-30', '2030-01-01 25:00:00', '2030-13-01']) {
    const answer = await post('/api/schedules', { task: 'hourly', trigger: 'date', trigger_args: { run_date: date } })
    t.match(answer.json(), {
      status: 422,
      code: 'OFFPEAK_TRIGGER_INVALID',
      errors: [{ pointer: '/trigger_args/run_date', detail: new RegExp(date) }]
    }, date)
  }
})

t.test('a duration or a trigger that cannot be read is refused with its place', async t => {
  const { post, ask } = await setup(t)
  for (const delay of ['-5s', 'soon', -1]) {
    t.match((await post('/api/tasks/echo/runs', { delay })).json(), {
      status: 422,
      errors: [{ pointer: '/delay', detail: /^found .*, expected seconds as a number/ }]
    }, String(delay))
  }
  t.match((await post('/api/runs/bulk', { runs: [{ task: 'echo', delay: 'soon' }] })).json(), {
    status: 422,
    errors: [{ pointer: '/runs/0/delay' }]
  })
  t.match((await post('/api/pauses', { scope: 'all', for: '-1h' })).json(), {
    status: 422,
    errors: [{ pointer: '/for' }]
  })
  t.match((await ask({ url: '/api/readings?step=often' })).json(), {
    status: 422,
    errors: [{ pointer: '/query/step' }]
  })
  t.match((await post('/api/schedules', { task: 'echo', trigger: '61 * * * *' })).json(), {
    status: 422,
    errors: [{ pointer: '/trigger', detail: /61/ }]
  })
})

t.test('a past run_date is refused, unless it is within the misfire grace', async t => {
  const { post, manager } = await setup(t)
  const asked = (ago: number) =>
    post('/api/schedules', {
      task: 'echo',
      trigger: 'date',
      trigger_args: { run_date: new Date(manager.clock.now() - ago).toISOString().slice(0, 19).replace('T', ' ') },
      timezone: 'UTC'
    })
  const grace = manager.catalog.tasks.get('echo')!.misfireGraceMs
  t.match((await asked(grace + 60_000)).json(), {
    status: 422,
    errors: [{
      pointer: '/trigger_args/run_date',
      detail: /^found '.*', which has passed, expected a future date: it is /
    }]
  })
  t.equal((await asked(Math.min(2000, grace / 2))).statusCode, 201)
  t.equal((await asked(-3_600_000)).statusCode, 201)
})
