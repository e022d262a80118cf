import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import fastify from 'fastify'
import t from 'tap'
import { stopwatch } from '../promptly.ts'
import { createManager } from '../../core/manager.ts'
import { createServer, offpeak, serverToken } from '../../core/server.ts'
import { ensureToken } from '../../core/token.ts'
import { until } from '../load/until.ts'
import { TASKS, setup } from './setup.ts'

const LOCAL = { host: '127.0.0.1', token_file: null, trust_proxy: false }

t.test('inside another app the plugins do not affect its routes', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  app.get('/mine', async request => ({ host: request.host, body: 'mine' }))
  app.post('/mine', async request => request.body)
  await app.register(offpeak, { root: t.testdir({ data: {} }), env: {}, files: 'none', prefix: '/jobs' })
  app.manager.registerTasks(TASKS)
  const mine = await app.inject({ url: '/mine', headers: { host: 'evil.example' } })
  t.equal(mine.statusCode, 200)
  t.equal(mine.headers['content-security-policy'], undefined)
  t.equal(
    (await app.inject({ method: 'POST', url: '/mine', payload: 'text', headers: { 'content-type': 'text/plain' } }))
      .body,
    'text'
  )
  t.match((await app.inject({ url: '/nowhere' })).json(), { error: 'Not Found' }, 'its 404 is its own')
  t.match((await app.inject({ url: '/jobs/nowhere' })).json(), { code: 'OFFPEAK_ROUTE_NOT_FOUND' })
  t.equal((await app.inject({ url: '/jobs/api/tasks' })).json().length, TASKS.length)
  t.equal((await app.inject({ url: '/jobs/api/tasks', headers: { host: 'evil.example' } })).statusCode, 421)
  const { value } = await serverToken(app.manager, {})
  const run = await app.inject({
    method: 'POST',
    url: '/jobs/api/tasks/echo/runs',
    headers: { authorization: `Bearer ${value}` }
  })
  t.equal(run.headers.location, `/jobs/api/runs/${run.json().id}`)
  t.equal(app.manager.state, 'started')
  await app.close()
  t.equal(app.manager.state, 'stopped', 'the manager ends with the app')
})

t.test('without a prefix the 404 of the other app stays its own', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send('mine'))
  await app.register(offpeak, { root: t.testdir({ data: {} }), env: {}, files: 'none' })
  t.equal((await app.inject({ url: '/nowhere' })).body, 'mine')
  t.equal((await app.inject({ url: '/api/tasks' })).statusCode, 200)
})

t.test('the token is created once, readable by its owner only [S04, S35]', async t => {
  const folder = join(t.testdir({}), 'data')
  const { value, file } = await ensureToken({ folder, root: folder, server: LOCAL })
  t.match(value, /^[\w-]{43}$/)
  t.equal(statSync(file!).mode & 0o777, 0o600)
  t.equal((await ensureToken({ folder, root: folder, server: LOCAL })).value, value)
  t.not((await ensureToken({ folder: `${folder}2`, root: folder, server: LOCAL })).value, value)
})

t.test('a given token is used, and an invalid one refused', async t => {
  const root = t.testdir({ secret: 'the-owner-chose-this-one\n', short: 'abc' })
  const ask = (token_file: string | null, env = {}) =>
    ensureToken({ folder: join(root, 'data'), root, server: { ...LOCAL, token_file }, env })
  t.equal((await ask('secret')).value, 'the-owner-chose-this-one')
  t.equal((await ask(null, { OFFPEAK_TOKEN_FILE: 'secret' })).value, 'the-owner-chose-this-one')
  t.equal((await ask('secret', { OFFPEAK_TOKEN: 'from-the-environment-1' })).value, 'from-the-environment-1')
  await t.rejects(ask('short'), { code: 'OFFPEAK_CONFIG_INVALID' })
  await t.rejects(ask('missing'), { code: 'OFFPEAK_CONFIG_INVALID' })
})

t.test('without a configured token the server does not listen beyond loopback [S01, S39]', async t => {
  const root = t.testdir({ data: {}, secret: 'the-owner-chose-this-one' })
  for (const server of [{ host: '0.0.0.0' }, { host: '::' }, { host: '192.168.1.5' }, { trust_proxy: true }, {
    trust_proxy: ['10.0.0.1']
  }]) {
    const manager = await createManager({ root, config: { server }, env: {}, files: 'none' })
    await t.rejects(createServer({ manager, env: {} }), { code: 'OFFPEAK_START_REFUSED' }, JSON.stringify(server))
  }
  const manager = await createManager({
    root,
    config: { server: { host: '0.0.0.0', token_file: 'secret' } },
    env: {},
    files: 'none'
  })
  const app = await createServer({ manager, env: {} })
  await app.close()
})

t.test('the token is in no log and no response [S30]', async t => {
  const lines: string[] = []
  const root = t.testdir({ data: {} })
  const { pino } = await import('pino')
  const manager = await createManager({
    root,
    env: {},
    files: 'none',
    onNotice: notice => void lines.push(JSON.stringify(notice))
  })
  const app = await createServer({
    manager,
    env: {},
    logger: pino({ level: 'trace' }, { write: line => void lines.push(line) })
  })
  t.teardown(() => app.close())
  await app.ready()
  const { value } = await serverToken(manager, {})
  for (const url of ['/api/tasks', '/api/health', '/api/openapi.json', '/nope']) {
    lines.push((await app.inject({ url, headers: { authorization: `Bearer ${value}` } })).body)
  }
  manager.desk.tasks = async () => {
    throw new Error('unexpected')
  }
  lines.push((await app.inject({ url: '/api/tasks', headers: { authorization: `Bearer ${value}` } })).body)
  t.ok(lines.some(line => line.includes('unexpected')), 'the fault itself is logged')
  t.notOk(lines.some(line => line.includes(value)))
})

async function listening (t: Parameters<typeof setup>[0]) {
  const bundle = await setup(t)
  await bundle.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...bundle, port: (bundle.app.server.address() as AddressInfo).port }
}

t.test('close takes less than two seconds while connections are open [F53]', async t => {
  const { app, port, token } = await listening(t)
  let taken = false
  app.server.on('request', ({ method }) => {
    taken ||= method === 'POST'
  })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const [answer] = await once(get({ port, host: '127.0.0.1', path: '/livez', agent }), 'response')
  answer.resume()
  await once(answer, 'end')
  const slow = connect(port, '127.0.0.1')
  slow.on('error', () => undefined)
  await once(slow, 'connect')
  // In the middle of its body: neither idle nor ever done.
  slow.write(
    `POST /api/tasks/echo/runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{'
  )
  await until(() => taken)
  t.teardown(() => slow.destroy())
  const elapsed = stopwatch()
  await app.close()
  t.ok(elapsed() < 2000)
})

t.test('a malformed request is refused and the server continues [F54]', async t => {
  const { port } = await listening(t)
  async function raw (text: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    let answer = ''
    socket.on('error', () => undefined).on('data', data => {
      answer += data.toString()
    })
    socket.end(text)
    await once(socket, 'close')
    return answer
  }
  const host = `Host: localhost:${port}\r\n`
  t.match(await raw(`GET /api/tasks HTTP/1.1\r\n${host}Connection: close\r\n\r\n`), /^HTTP\/1\.1 200/)
  const refused = [
    `GET /api/tasks HTTP/1.1\r\nConnection: close\r\n\r\n`,
    `GET /api/tasks HTTP/1.1\r\n${host}Host: evil.example\r\nConnection: close\r\n\r\n`,
    `GET http://evil.example/api/tasks HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    `GET /api/tasks HTTP/1.0\r\n\r\n`,
    `GET /api/tasks\r\n\r\n`,
    `GET /api/tasks HTTP/1.1\r\n${host}X: ${'x'.repeat(17_000)}\r\n\r\n`,
    `CONNECT evil.example:80 HTTP/1.1\r\n${host}\r\n`,
    `POST /api/tasks/echo/runs HTTP/1.1\r\n${host}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n` +
    'Connection: close\r\n\r\n0\r\n\r\n'
  ]
  for (const text of refused) t.notMatch(await raw(text), /^HTTP\/1\.[01] [25]/, text.slice(0, 60))
  t.match(await raw(`GET /livez HTTP/1.1\r\n${host}Connection: close\r\n\r\n`), /^HTTP\/1\.1 200/)
})

t.test('connections and timeouts are bounded [F52, S17]', async t => {
  const { app } = await setup(t)
  const { server } = app
  t.ok(server.requestTimeout > 0 && server.requestTimeout <= 30_000)
  t.ok(server.headersTimeout > 0 && server.headersTimeout <= 10_000)
  t.ok(server.timeout > 0)
})

t.test('forged X-Forwarded headers are ignored while no proxy is trusted [S38]', async t => {
  const { app, token } = await setup(t)
  const answer = await app.inject({
    url: '/api/tasks',
    headers: { host: 'evil.example', 'x-forwarded-host': 'localhost', authorization: `Bearer ${token}` }
  })
  t.equal(answer.statusCode, 421)
})

t.test('relative paths of the configuration are resolved against its folder', async t => {
  const root = t.testdir({ etc: { 'config.json': '{ "server": { "token_file": "my-token" } }' } })
  mkdirSync(join(root, 'etc', 'data'))
  writeFileSync(join(root, 'etc', 'my-token'), 'the-owner-chose-this-one')
  const manager = await createManager({ configFile: join(root, 'etc', 'config.json'), env: {}, files: 'none' })
  t.equal((await serverToken(manager, {})).value, readFileSync(join(root, 'etc', 'my-token'), 'utf8'))
})
