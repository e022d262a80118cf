import t from 'tap'
import { problemOf } from '../../core/model/view/problem.ts'
import { configInvalid } from '../../core/model/errors/config-errors.ts'
import { everyRoute } from './routes.ts'
import { setup } from './setup.ts'

t.test('every error is a problem', async t => {
  const { ask, plain, post } = await setup(t)
  const refusals = await Promise.all([
    ask({ url: '/api/tasks/nope' }),
    ask({ url: '/api/runs/nope' }),
    ask({ url: '/api/schedules/nope' }),
    ask({ url: '/nope' }),
    ask({ method: 'PUT', url: '/api/tasks' }),
    ask({ url: '/api/%ff' }),
    ask({ url: '/api/runs?limit=0' }),
    plain({ method: 'POST', url: '/api/tasks/echo/runs' }),
    post('/api/schedules', { task: 'echo', trigger: '99 * * * *' }),
    ask({ url: '/api/runs?cursor=nonsense' })
  ])
  t.same(refusals.map(({ statusCode }) => statusCode), [404, 404, 404, 404, 405, 400, 422, 401, 422, 400])
  for (const answer of refusals) {
    const problem = answer.json()
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
    t.equal(problem.status, answer.statusCode)
    t.equal(problem.type,
      `urn:offpeak:problem:${problem.code.replace('OFFPEAK_', '').toLowerCase().replaceAll('_', '-')}`)
    for (const member of ['title', 'detail', 'instance', 'code']) t.type(problem[member], 'string', member)
    t.notOk('stack' in problem)
  }
})

t.test('a wrong method is answered with the allowed ones', async t => {
  const { ask } = await setup(t)
  const answer = await ask({ method: 'DELETE', url: '/api/runs/6h02rxm5w00/cancel' })
  t.equal(answer.statusCode, 405)
  t.equal(answer.headers.allow, 'POST')
  t.equal(answer.json().instance, '/api/runs/6h02rxm5w00/cancel')
})

t.test('an unexpected error reveals nothing [S34]', async t => {
  const { ask, manager } = await setup(t)
  const secret = 'select * from /home/ada/data'
  manager.desk.tasks = async () => {
    throw new Error(secret)
  }
  const answer = await ask({ url: '/api/tasks' })
  t.equal(answer.statusCode, 500)
  t.match(answer.json(), { code: 'OFFPEAK_INTERNAL', request_id: /^req-/ })
  t.notMatch(answer.body, /select|home|stack/)
})

t.test('the place of a fault in a file is part of the problem', async t => {
  const error = configInvalid({
    message: 'no',
    file: 'config.json',
    line: 3,
    column: 7,
    pointer: '/server/port',
    fix: 'Do this.',
    errors: [{ pointer: '/server/port', detail: 'no' }]
  })
  t.same(problemOf(error, '/api/x'), {
    type: 'urn:offpeak:problem:config-invalid',
    title: 'Config invalid',
    status: 422,
    detail: 'no',
    instance: '/api/x',
    code: 'OFFPEAK_CONFIG_INVALID',
    fix: 'Do this.',
    file: 'config.json',
    line: 3,
    column: 7,
    pointer: '/server/port',
    errors: [{ pointer: '/server/port', detail: 'no' }]
  })
})

t.test('every response has the security headers, without those that break plain HTTP [S11]', async t => {
  const { ask, plain } = await setup(t)
  const urls = [
    ...(await everyRoute(t)).filter(({ method, url }) => method === 'GET' && url !== '/api/events').map(({ url }) =>
      url.replace(':id', 'echo').replace('*', 'index.css')
    ),
    '/nope'
  ]
  const answers = await Promise.all([...urls.map(url => ask({ url })), plain({ method: 'POST', url: '/api/schedules' }),
    plain({ url: '/api/tasks', headers: { host: 'evil.example' } })])
  for (const { headers, raw } of answers) {
    const path = raw.req.url ?? ''
    const csp = String(headers['content-security-policy'])
    t.match(csp, /default-src 'none'.*frame-ancestors 'none'/, path)
    t.notMatch(csp, /unsafe|upgrade-insecure-requests|https?:/, path)
    t.equal(headers['strict-transport-security'], undefined)
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.equal(headers['referrer-policy'], 'no-referrer')
    t.equal(headers['access-control-allow-origin'], undefined)
  }
})

t.test('every route answers a wrong token, a wrong method and nonsense with a problem', async t => {
  const { plain, ask } = await setup(t)
  const { paths } = (await ask({ url: '/api/openapi.json' })).json() as { paths: Record<string, object> }
  const wrong = { authorization: 'Bearer wrongwrongwrongwrongwr' }
  const others: string[] = []
  for (const [path, methods] of [...Object.entries(paths), ['/api/openapi.json', { get: {} }] as const]) {
    const url = path.replaceAll(/\{\w+\}/g, '%00')
    for (const method of [...Object.keys(methods), 'trace', 'propfind'] as 'get'[]) {
      // A stream of events does not end.
      const asked = url === '/api/events' ? [] : [await ask({ method, url, payload: '{' })]
      for (const answer of [await plain({ method, url, headers: wrong }), ...asked]) {
        const type = String(answer.headers['content-type'])
        if (answer.statusCode >= 400 && !type.startsWith('application/problem+json')) {
          others.push(`${method} ${url}: ${answer.statusCode} ${type}`)
        }
      }
    }
  }
  t.ok(Object.keys(paths).length > 40)
  t.strictSame(others, [])
})
