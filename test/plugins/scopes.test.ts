import t from 'tap'
import { chmodSync, chownSync, lchownSync, readFileSync, renameSync, statSync, symlinkSync,
  writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '../../core/tokens.ts'
import { SCOPES, covers, createToken, readTokens, revokeToken, tokensFile } from '../../core/tokens.ts'
import { everyRoute } from './routes.ts'
import { setup } from './setup.ts'

const at = (url: string) => url.replace(':id', 'echo').replace('*', 'index.css')

async function withTokens (t: Parameters<typeof setup>[0]) {
  const place = await setup(t)
  const now = place.manager.clock.now()
  const made = {} as Record<Scope, string>
  for (const scope of SCOPES) {
    made[scope] = await createToken({ folder: place.manager.folder, name: `${scope}er`, scope, now, expiresAt: null })
  }
  const as = (scope: Scope, method: string, url: string, payload?: object, headers = {}) =>
    place.plain({
      method: method as 'GET',
      url,
      headers: { authorization: `Bearer ${made[scope]}`, ...headers },
      ...payload && { payload }
    })
  return { ...place, made, as }
}

t.test('every route declares a scope, and a token with less is refused with the missing one [S02, S13]', async t => {
  const { as } = await withTokens(t)
  for (const { method, url, scope } of await everyRoute(t)) {
    t.ok(scope === 'open' || SCOPES.includes(scope as Scope), `${method} ${url} says its scope`)
    if (scope === 'open') continue
    t.ok(covers(scope as Scope, method === 'GET' || method === 'HEAD' ? 'read' : 'run'),
      `${method} ${url} does not write with a token that reads`)
    for (const given of SCOPES.filter(one => !covers(one, scope as Scope))) {
      const answer = await as(given, method, at(url))
      t.equal(answer.statusCode, 403, `${given}: ${method} ${url}`)
      t.match(answer.json(), {
        code: 'OFFPEAK_SCOPE_MISSING',
        detail: new RegExp(`'${scope}'.*'${given}er' has '${given}'`),
        fix: /offpeak token create/
      })
    }
  }
})

t.test('a token permits what its scope allows, and changes are recorded under its name [S13, S33]', async t => {
  const { as, ask } = await withTokens(t)
  t.equal((await as('read', 'GET', '/api/records')).statusCode, 200)
  t.equal((await as('run', 'POST', '/api/tasks/echo/runs', {})).statusCode, 202)
  t.equal(
    (await as('run', 'PUT', '/api/signals/price', { value: 3, ttl: '1h' }, { 'x-offpeak-by': 'cli:ada' })).statusCode,
    200
  )
  t.equal((await as('run', 'PATCH', '/api/tasks/echo', { enabled: false })).statusCode, 403)
  t.equal((await as('control', 'POST', '/api/pauses', { scope: 'all' })).statusCode, 201)
  const { items } = (await ask({ url: '/api/records' })).json()
  t.same(items.map(({ by, action }: Record<string, string>) => [by, action]), [['token:controler', 'pause'], [
    'token:runer cli:ada',
    'signal'
  ], ['token:runer', 'run']])
})

t.test('tokens are stored as hashes in a private file, and end when revoked or expired [S03]', async t => {
  let now = Date.now()
  const { plain, manager, post } = await setup(t, { options: { clock: { now: () => now, monotonic: () => now } } })
  const { folder } = manager
  const made = await createToken({ folder, name: 'ci', scope: 'read', now, expiresAt: now + 1000 })
  const other = await createToken({ folder, name: 'other', scope: 'read', now, expiresAt: null })
  t.not(made, other)
  const file = tokensFile(folder)
  t.notMatch(readFileSync(file, 'utf8'), made)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const ask = async (token: string) =>
    (await plain({ url: '/api/records', headers: { authorization: `Bearer ${token}` } })).statusCode
  t.equal(await ask(made), 200)
  await t.rejects(createToken({ folder, name: 'ci', scope: 'control', now, expiresAt: null }), {
    code: 'OFFPEAK_TOKEN_EXISTS'
  })
  for (const name of ['', '../x', 'a b', 'a'.repeat(33), '\u001b[31m']) {
    await t.rejects(createToken({ folder, name, scope: 'read', now, expiresAt: null }), {
      code: 'OFFPEAK_TOKEN_INVALID'
    })
  }
  now += 1000
  t.equal(await ask(made), 401, 'it has expired')
  t.equal(await ask(other), 200)
  await revokeToken({ folder }, 'other')
  t.equal(await ask(other), 401, 'it was revoked')
  await t.rejects(revokeToken({ folder }, 'other'), { code: 'OFFPEAK_TOKEN_NOT_FOUND' })
  writeFileSync(file, '[{ "name": "x", "scope": "control", "sha256": "" }]')
  t.equal(await ask(other), 401, 'a damaged file lets nobody in')
  t.equal((await post('/api/tasks/echo/runs')).statusCode, 202, 'and keeps the owner from nothing')
})

const foreign = { skip: process.getuid?.() !== 0 && 'only root can give files away' }

type Spoiling = [what: string, spoil: () => void, mend: () => void, message: RegExp, fix: RegExp]

/** The ways in which others may come to write the token file of a data folder. */
function spoiling (folder: string): Spoiling[] {
  const file = tokensFile(folder)
  const elsewhere = join(folder, '../kept.json')
  return [
    ['a mode', () => chmodSync(file, 0o666), () => chmodSync(file, 0o600), /every user of this machine/,
      /chmod go-w '.*tokens\.json'/],
    ['an owner', () => chownSync(file, 65_534, 65_534), () => chownSync(file, 0, 0), /its owner, user 65534/,
      /chown 0 '.*tokens\.json'/],
    ['the folder', () => chownSync(folder, 65_534, 65_534), () => chownSync(folder, 0, 0),
      /data can be changed by its owner, user 65534/, /chown 0 '.*data'/],
    ['where a link leads', () => {
      renameSync(file, elsewhere)
      symlinkSync(elsewhere, file)
      chmodSync(elsewhere, 0o666)
    }, () => chmodSync(elsewhere, 0o600), /every user/, /chmod/],
    ['a link', () => lchownSync(file, 65_534, 65_534), () => lchownSync(file, 0, 0), /its owner, user 65534/, /chown/]
  ]
}

t.test('a token file that others can write is refused with a fix [S03, S35]', foreign, async t => {
  const { plain, manager, ask } = await setup(t)
  const { folder } = manager
  const token = await createToken({ folder, name: 'ci', scope: 'control', now: manager.clock.now(), expiresAt: null })
  const got = async () =>
    (await plain({ url: '/api/records', headers: { authorization: `Bearer ${token}` } })).statusCode
  for (const [what, spoil, mend, message, fix] of spoiling(folder)) {
    t.equal(await got(), 200, what)
    spoil()
    await manager.security.look()
    t.match(
      (await ask({ url: '/api/health' })).json().security.findings.find(({ message }: { message: string }) =>
        /The tokens in/.test(message)
      ),
      { subject: 'token', message: message, fix },
      what
    )
    t.throws(() => readTokens({ folder }), { code: 'OFFPEAK_TOKENS_UNREADABLE', message: message })
    t.equal(readTokens({ folder, loose: true }).length, 1, 'unless the configuration accepts them')
    await t.rejects(createToken({ folder, name: 'more', scope: 'read', now: 0, expiresAt: null }), {
      code: 'OFFPEAK_TOKENS_UNREADABLE'
    })
    const refused = await plain({ url: '/api/records', headers: { authorization: `Bearer ${token}` } })
    t.ok([401, 429].includes(refused.statusCode), what)
    mend()
  }
})

t.test('a broken token file is named with the place of the fault [S03]', async t => {
  const { manager } = await setup(t)
  const { folder } = manager
  await createToken({ folder, name: 'ci', scope: 'run', now: manager.clock.now(), expiresAt: null })
  const [good] = readTokens({ folder })
  const texts: [text: string, why: RegExp][] = [
    ['[\n{', /line 2, column 2/],
    ['{}', /it holds no list/],
    [JSON.stringify([good, { ...good, name: '' }]), /\/1\/name: expected/],
    [JSON.stringify([{ ...good, name: '\u001b[2J' }]), /\/0\/name/],
    [JSON.stringify([{ ...good, scope: 'all' }]), /\/0\/scope: expected one of read, run, control/],
    [JSON.stringify([{ ...good, sha256: 'x' }]), /\/0\/sha256/],
    [JSON.stringify([{ ...good, expires_at: 'never' }]), /\/0\/expires_at: expected an instant/],
    [JSON.stringify([{ ...good, expires_at: 5 }]), /\/0\/expires_at/],
    ['[null]', /\/0\/name/]
  ]
  for (const [text, message] of texts) {
    writeFileSync(tokensFile(folder), text)
    t.throws(() => readTokens({ folder }), {
      code: 'OFFPEAK_TOKENS_UNREADABLE',
      message,
      fix: 'Repair the file, or remove it'
    }, text)
  }
})

t.test('an unknown, revoked or expired token is refused with that reason', async t => {
  const { plain } = await setup(t)
  t.match((await plain({ url: '/api/records', headers: { authorization: 'Bearer wrong' } })).json(), {
    status: 401,
    detail: /and the one it has is wrong, revoked or expired$/,
    fix: /offpeak token list/
  })
  t.match((await plain({ method: 'POST', url: '/api/tasks/echo/runs' })).json(), {
    status: 401,
    detail: /^This request needs the token$/
  })
})

const CANARY = 'canary-7f3a'

/** The URL of a route for this run or schedule, the task `echo` or the queue `default`. */
const placeOf = (url: string, run: string, schedule: string) =>
  url.replace('/api/runs/:id', `/api/runs/${run}`).replace('/api/schedules/:id', `/api/schedules/${schedule}`)
    .replace(':id', 'echo').replace(':name', 'default')

t.test('without a token private members are withheld on loopback, and listed [S02]', async t => {
  const { plain, ask, post, finished } = await setup(t)
  const { id } = (await post('/api/tasks/echo/runs', { payload: { secret: CANARY }, key: CANARY })).json()
  const full = await finished(id)
  t.match(full, { payload: { secret: CANARY }, result: { secret: CANARY }, key: CANARY })
  t.notOk('withheld' in full, 'with the token nothing is left out')
  const { id: schedule } =
    (await post('/api/schedules', { task: 'echo', trigger: '@daily', payload: { secret: CANARY } })).json()
  await ask({
    method: 'POST',
    url: `/api/files?name=${CANARY}`,
    payload: 'x',
    headers: { 'content-type': 'application/octet-stream' }
  })
  const secret = ['/api/records', `/api/runs/${id}/logs`]
  const reads = (await everyRoute(t)).filter(({ method, url }) =>
    method === 'GET' && !['/api/events', '/api/docs/*'].includes(url)
  )
  for (const { url } of reads) {
    const place = placeOf(url, id, schedule)
    const answer = await plain({ url: place })
    t.equal(answer.statusCode, secret.includes(place) ? 401 : 200, place)
    t.notMatch(answer.body, CANARY, place)
    t.equal(
      (await plain({ url: place, headers: { authorization: 'Bearer wrong-wrong-wrong-wrong' } })).statusCode >= 401,
      !['/livez', '/readyz'].includes(place),
      `a wrong token is refused: ${place}`
    )
  }
  t.match((await plain({ url: `/api/runs/${id}` })).json(), {
    state: 'completed',
    payload: null,
    result: null,
    key: null,
    withheld: ['payload', 'result', 'key']
  })
  t.match((await plain({ url: '/api/runs' })).json().items[0], { key: null, withheld: ['key'] })
  t.match((await plain({ url: `/api/schedules/${schedule}` })).json(), { payload: null, withheld: ['payload'] })
  t.match((await plain({ url: '/api/records' })).json(), { code: 'OFFPEAK_UNAUTHORIZED', fix: /server\.private_reads/ })
})

t.test('a response with withheld members names the file of the token', async t => {
  const { plain, post } = await setup(t)
  const { id } = (await post('/api/tasks/echo/runs', { payload: 1 })).json()
  for (const url of ['/api/records', `/api/runs/${id}/logs`]) {
    const { statusCode, body } = await plain({ url })
    t.equal(statusCode, 401, url)
    t.match(JSON.parse(body), { code: 'OFFPEAK_UNAUTHORIZED', fix: /file `token` of the data folder/ })
  }
  const { headers, body } = await plain({ url: `/api/runs/${id}` })
  t.match(JSON.parse(body), { withheld: ['payload'] })
  t.match(headers['www-authenticate'],
    /^Bearer realm="offpeak", error_description="Send the token in the file token of the data folder to see .*"$/)
})

t.test('server.private_reads shows private members to everybody on this machine', async t => {
  const { plain, post, finished } = await setup(t, { server: { private_reads: 'open' } })
  const { id } = (await post('/api/tasks/echo/runs', { payload: { secret: CANARY } })).json()
  await finished(id)
  t.match((await plain({ url: `/api/runs/${id}` })).json(), { result: { secret: CANARY } })
  t.equal((await plain({ url: `/api/runs/${id}/logs` })).statusCode, 200)
  t.equal((await plain({ url: `/api/runs/${id}`, headers: { via: '1.1 relay' } })).statusCode, 401)
})
