import t from 'tap'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import type { Scope } from '../../core/tokens.ts'
import { SCOPES, covers, createToken, revokeToken, tokensFile } from '../../core/tokens.ts'
import { everyRoute } from './routes.ts'
import { setup } from './setup.ts'

const at = (url: string) => url.replace(':id', 'echo').replace('*', 'index.css')

async function withTokens (t: Parameters<typeof setup>[0]) {
  const place = await setup(t)
  const now = place.manager.clock.now()
  const made = {} as Record<Scope, string>
  for (const scope of SCOPES) made[scope] = await createToken({ folder: place.manager.folder, name: `${scope}er`, scope, now, expiresAt: null })
  const as = (scope: Scope, method: string, url: string, payload?: object, headers = {}) =>
    place.plain({ method: method as 'GET', url, headers: { authorization: `Bearer ${made[scope]}`, ...headers }, ...payload && { payload } })
  return { ...place, made, as }
}

t.test('every route says what it needs, and a token of less is refused with the scope it lacks [S02, S13]', async t => {
  const { as } = await withTokens(t)
  for (const { method, url, scope } of await everyRoute(t)) {
    t.ok(scope === 'open' || SCOPES.includes(scope as Scope), `${method} ${url} says its scope`)
    if (scope === 'open') continue
    t.ok(covers(scope as Scope, method === 'GET' || method === 'HEAD' ? 'read' : 'run'), `${method} ${url} does not write with a token that reads`)
    for (const given of SCOPES.filter(one => !covers(one, scope as Scope))) {
      const answer = await as(given, method, at(url))
      t.equal(answer.statusCode, 403, `${given}: ${method} ${url}`)
      t.match(answer.json(), { code: 'OFFPEAK_SCOPE_MISSING', detail: new RegExp(`'${scope}'.*'${given}er' has '${given}'`), fix: /offpeak token create/ })
    }
  }
})

t.test('a token lets do what its scope says, and what it did is recorded under its name [S13, S33]', async t => {
  const { as, ask } = await withTokens(t)
  t.equal((await as('read', 'GET', '/api/records')).statusCode, 200)
  t.equal((await as('run', 'POST', '/api/tasks/echo/runs', {})).statusCode, 202)
  t.equal((await as('run', 'PUT', '/api/signals/price', { value: 3, ttl: '1h' }, { 'x-offpeak-by': 'cli:ada' })).statusCode, 200)
  t.equal((await as('run', 'PATCH', '/api/tasks/echo', { enabled: false })).statusCode, 403)
  t.equal((await as('control', 'POST', '/api/pauses', { scope: 'all' })).statusCode, 201)
  const { items } = (await ask({ url: '/api/records' })).json()
  t.same(items.map(({ by, action }: Record<string, string>) => [by, action]), [['token:controler', 'pause'], ['token:runer cli:ada', 'signal'], ['token:runer', 'run']])
})

t.test('tokens are kept as hashes in a file of their owner, and end when they are revoked or expire [S03]', async t => {
  let now = Date.now()
  const { plain, manager, post } = await setup(t, { options: { clock: { now: () => now, monotonic: () => now } } })
  const { folder } = manager
  const made = await createToken({ folder, name: 'ci', scope: 'read', now, expiresAt: now + 1000 })
  const other = await createToken({ folder, name: 'other', scope: 'read', now, expiresAt: null })
  t.not(made, other)
  const file = tokensFile(folder)
  t.notMatch(readFileSync(file, 'utf8'), made)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const ask = async (token: string) => (await plain({ url: '/api/records', headers: { authorization: `Bearer ${token}` } })).statusCode
  t.equal(await ask(made), 200)
  await t.rejects(createToken({ folder, name: 'ci', scope: 'control', now, expiresAt: null }), { code: 'OFFPEAK_TOKEN_EXISTS' })
  for (const name of ['', '../x', 'a b', 'a'.repeat(33), '\u001b[31m']) await t.rejects(createToken({ folder, name, scope: 'read', now, expiresAt: null }), { code: 'OFFPEAK_TOKEN_INVALID' })
  now += 1000
  t.equal(await ask(made), 401, 'it has expired')
  t.equal(await ask(other), 200)
  await revokeToken(folder, 'other')
  t.equal(await ask(other), 401, 'it was revoked')
  await t.rejects(revokeToken(folder, 'other'), { code: 'OFFPEAK_TOKEN_NOT_FOUND' })
  writeFileSync(file, '[{ "name": "x", "scope": "control", "sha256": "" }]')
  t.equal(await ask(other), 401, 'a damaged file lets nobody in')
  t.equal((await post('/api/tasks/echo/runs')).statusCode, 202, 'and keeps the owner from nothing')
})

const CANARY = 'canary-7f3a'

t.test('without a token nothing private is shown on loopback, and what was left out is said [S02]', async t => {
  const { plain, ask, post, finished } = await setup(t)
  const { id } = (await post('/api/tasks/echo/runs', { payload: { secret: CANARY }, key: CANARY })).json()
  const full = await finished(id)
  t.match(full, { payload: { secret: CANARY }, result: { secret: CANARY }, key: CANARY })
  t.notOk('withheld' in full, 'with the token nothing is left out')
  const { id: schedule } = (await post('/api/schedules', { task: 'echo', trigger: '@daily', payload: { secret: CANARY } })).json()
  await ask({ method: 'POST', url: `/api/files?name=${CANARY}`, payload: 'x', headers: { 'content-type': 'application/octet-stream' } })
  const secret = ['/api/records', `/api/runs/${id}/logs`]
  const reads = (await everyRoute(t)).filter(({ method, url }) => method === 'GET' && !['/api/events', '/api/docs/*'].includes(url))
  for (const { url } of reads) {
    const place = url.replace('/api/runs/:id', `/api/runs/${id}`).replace('/api/schedules/:id', `/api/schedules/${schedule}`).replace(':id', 'echo').replace(':name', 'default')
    const answer = await plain({ url: place })
    t.equal(answer.statusCode, secret.includes(place) ? 401 : 200, place)
    t.notMatch(answer.body, CANARY, place)
    t.equal((await plain({ url: place, headers: { authorization: 'Bearer wrong-wrong-wrong-wrong' } })).statusCode >= 401, !['/livez', '/readyz'].includes(place), `a wrong token is refused: ${place}`)
  }
  t.match((await plain({ url: `/api/runs/${id}` })).json(), { state: 'completed', payload: null, result: null, key: null, withheld: ['payload', 'result', 'key'] })
  t.match((await plain({ url: '/api/runs' })).json().items[0], { key: null, withheld: ['key'] })
  t.match((await plain({ url: `/api/schedules/${schedule}` })).json(), { payload: null, withheld: ['payload'] })
  t.match((await plain({ url: '/api/records' })).json(), { code: 'OFFPEAK_UNAUTHORIZED', fix: /server\.private_reads/ })
})

t.test('server.private_reads shows everybody on this machine what is private', async t => {
  const { plain, post, finished } = await setup(t, { server: { private_reads: 'open' } })
  const { id } = (await post('/api/tasks/echo/runs', { payload: { secret: CANARY } })).json()
  await finished(id)
  t.match((await plain({ url: `/api/runs/${id}` })).json(), { result: { secret: CANARY } })
  t.equal((await plain({ url: `/api/runs/${id}/logs` })).statusCode, 200)
  t.equal((await plain({ url: `/api/runs/${id}`, headers: { via: '1.1 relay' } })).statusCode, 401)
})
