import t from 'tap'
import { everyRoute } from './routes.ts'
import { setup } from './setup.ts'

const OPEN = ['/livez', '/readyz']
const SECRET = 'a-secret-of-the-owner-0123456789'
const at = (url: string) => url.replace(':id', 'echo').replace('*', 'index.css')
const isWrite = (method: string) => !['GET', 'HEAD', 'OPTIONS'].includes(method)

t.test('every route that writes needs the token, also on loopback [S02]', async t => {
  const { plain } = await setup(t)
  const writes = (await everyRoute(t)).filter(({ method }) => isWrite(method))
  t.ok(writes.length >= 6)
  for (const { method, url } of writes) {
    const answer = await plain({ method: method as 'POST', url: at(url) })
    t.equal(answer.statusCode, 401, `${method} ${url}`)
    t.equal(answer.headers['www-authenticate'], 'Bearer realm="offpeak"')
  }
})

t.test('listening beyond loopback, every route but two needs the token [S02]', async t => {
  const { plain, ask } = await setup(t, { server: { host: '0.0.0.0' }, env: { OFFPEAK_TOKEN: SECRET } })
  for (const { method, url } of await everyRoute(t)) {
    const answer = await plain({ method: method as 'GET', url: at(url) })
    if (OPEN.includes(url)) t.equal(answer.statusCode, 200, url)
    else t.equal(answer.statusCode, 401, `${method} ${url}`)
    if (OPEN.includes(url) && method === 'GET') t.same(answer.json(), { status: 'ok' }, 'which say nothing else')
  }
  t.equal((await ask({ url: '/api/tasks' })).statusCode, 200)
})

t.test('requests through a proxy need a token [S38]', async t => {
  const { plain } = await setup(t, { server: { trust_proxy: ['127.0.0.1'] }, env: { OFFPEAK_TOKEN: SECRET } })
  t.equal((await plain({ url: '/api/tasks' })).statusCode, 401)
})

t.test('reads on loopback need no token, unless they come through a proxy or from elsewhere [S38]', async t => {
  const { plain, ask } = await setup(t)
  t.equal((await plain({ url: '/api/tasks' })).statusCode, 200)
  t.equal((await plain({ url: '/api/tasks', headers: { 'x-forwarded-for': '10.0.0.9' } })).statusCode, 401)
  for (const name of ['forwarded', 'via', 'x-real-ip', 'X-Forwarded-Proto', 'x-forwarded-host', 'cf-connecting-ip',
    'cf-ray', 'tailscale-user-login', 'true-client-ip', 'x-original-url', 'cdn-loop', 'x-envoy-internal',
    'fly-client-ip', 'remote-user']) {
    t.equal((await plain({ url: '/api/tasks', headers: { [name]: 'x' } })).statusCode, 401, name)
  }
  for (const name of ['accept', 'user-agent', 'sec-fetch-site', 'x-request-id', 'x-offpeak-by', 'if-none-match']) {
    t.equal((await plain({ url: '/api/tasks', headers: { [name]: 'none' } })).statusCode, 200, name)
  }
  t.equal((await plain({ url: '/api/tasks', remoteAddress: '192.168.1.7' })).statusCode, 401)
  t.equal((await ask({ url: '/api/tasks', remoteAddress: '192.168.1.7' })).statusCode, 200)
})

t.test('a token counts in its header alone, and only the right one [S03, S07]', async t => {
  const { plain, token, app } = await setup(t)
  const write = (headers: Record<string, string>, url = '/api/tasks/echo/runs') =>
    plain({ method: 'POST', url, headers })
  t.equal((await write({ authorization: `Bearer ${token}` })).statusCode, 202)
  t.equal((await write({ authorization: `Bearer ${token}x` })).statusCode, 401)
  t.equal((await write({ authorization: `Basic ${token}` })).statusCode, 401)
  t.equal((await write({ cookie: `token=${token}` })).statusCode, 401)
  t.equal((await write({}, `/api/tasks/echo/runs?token=${token}`)).statusCode, 401)
  t.equal((await app.inject({ url: '/api/tasks', headers: { authorization: 'Bearer wrong' } })).statusCode, 401,
    'a wrong one is refused even where none is needed')
})

t.test('wrong tokens make another machine wait, and the right one never [S05]', async t => {
  let now = 0
  const { plain, token } = await setup(t, { options: { clock: { now: () => Date.now(), monotonic: () => now } } })
  const ask = (given: string, remoteAddress = '10.0.0.1') =>
    plain({ url: '/api/tasks', remoteAddress, headers: { authorization: `Bearer ${given}` } })
  const codes: number[] = []
  for (let index = 0; index < 100; index++) codes.push((await ask(`wrong-${index}`)).statusCode)
  t.equal(codes.filter(code => code === 401).length, 5, 'only a few are answered')
  t.equal(codes.at(-1), 429)
  t.equal((await ask('wrong')).headers['retry-after'], '1')
  t.equal((await ask(token)).statusCode, 200, 'a program beside it that has a wrong token does not lock the owner out')
  t.equal((await ask('wrong')).statusCode, 429, 'nor does the owner let it try again')
  t.equal((await ask('wrong', '10.0.0.2')).statusCode, 401, 'another address does not wait')
  now = 1000
  t.equal((await ask('wrong-again')).statusCode, 401)
  t.equal((await ask('wrong')).headers['retry-after'], '2', 'each further one doubles the wait')
})

t.test('wrong tokens of programs on this machine lock nobody out', async t => {
  const { plain } = await setup(t)
  const ask = (given: string, headers: object = {}) =>
    plain({ url: '/api/tasks', headers: { authorization: `Bearer ${given}`, ...headers } })
  const codes = new Set<number>()
  for (let index = 0; index < 20; index++) codes.add((await ask(`wrong-${index}`)).statusCode)
  t.strictSame([...codes], [401])
  for (let index = 0; index < 20; index++) codes.add((await ask('wrong', { 'x-forwarded-for': '10.0.0.1' })).statusCode)
  t.strictSame([...codes], [401, 429], 'a proxy on this machine is not a program of it')
})

t.test('requests with a foreign host name are refused [S09]', async t => {
  const { plain, root } = await setup(t, { server: { allowed_hosts: ['nas.home', 'fd00::7'] } })
  t.ok(root)
  const own = ['localhost', 'localhost:7420', '127.0.0.1:1', '[::1]:7420', 'LOCALHOST', 'nas.home', 'nas.home:80',
    '[fd00::7]']
  for (const host of own) t.equal((await plain({ url: '/api/tasks', headers: { host } })).statusCode, 200, host)
  const others = ['evil.example', 'localhost.evil.com', 'localhost.', 'nas.home.evil.com', 'xnas.home',
    '127.0.0.1.nip.io', 'localhost@evil.com', '127.0.0.1:7420:1', 'a b', '::1']
  for (const host of others) {
    const answer = await plain({ url: '/api/tasks', headers: { host } })
    t.equal(answer.statusCode, 421, host)
    t.equal(answer.json().code, 'OFFPEAK_HOST_REFUSED')
  }
})

t.test('a write from another site is refused [S08]', async t => {
  const { ask, manager } = await setup(t)
  const write = (headers: Record<string, string>) =>
    ask({ method: 'POST', url: '/api/tasks/echo/runs', payload: {}, headers: { host: 'localhost:7420', ...headers } })
  for (const site of ['cross-site', 'same-site']) {
    t.equal((await write({ 'sec-fetch-site': site })).statusCode, 403, site)
  }
  for (const site of ['same-origin', 'none']) t.equal((await write({ 'sec-fetch-site': site })).statusCode, 202, site)
  for (const origin of ['http://evil.example', 'http://localhost:9', 'http://localhost', 'null',
    'http://localhost:7420.evil.com']) {
    t.equal((await write({ origin })).statusCode, 403, origin)
  }
  t.equal((await write({ origin: 'http://localhost:7420' })).statusCode, 202)
  t.equal((await manager.desk.runs({ limit: 50 })).items.length, 3, 'what was refused had no effect')
})

t.test('bodies are JSON: what a form can send is refused [S08]', async t => {
  const { ask, manager } = await setup(t)
  const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/html',
    'application/xml']
  for (const type of types) {
    const answer = await ask({
      method: 'POST',
      url: '/api/tasks/echo/runs',
      payload: '{}',
      headers: { 'content-type': type }
    })
    t.equal(answer.statusCode, 415, type)
  }
  t.equal((await manager.desk.runs({ limit: 50 })).items.length, 0)
})

t.test('no other origin is allowed [S10]', async t => {
  const { plain } = await setup(t)
  const preflight = { origin: 'http://evil.example', 'access-control-request-method': 'POST' }
  const answer = await plain({ method: 'OPTIONS', url: '/api/tasks/echo/runs', headers: preflight })
  t.equal(answer.headers['access-control-allow-origin'], undefined)
  t.ok(answer.statusCode >= 400)
})

t.test('the author of a change is recorded by the name sent with the token [S33]', async t => {
  const { ask } = await setup(t)
  const by = (name: string) => ask({ method: 'POST', url: '/api/tasks/echo/runs', headers: { 'x-offpeak-by': name } })
  await by('cli:ada')
  await by('n'.repeat(65))
  const { items } = (await ask({ url: '/api/records' })).json()
  t.same(items.map((entry: { by: string }) => entry.by), ['api', 'cli:ada'])
})
