import t from 'tap'
import { createServer as createHttp } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Test } from 'tap'
import { cli, place } from './setup.ts'

/** The address of something that listens until the test is over. */
async function at (t: Test, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('a server that accepts a connection and does not answer is not reported as absent', { timeout: 240_000 },
  async t => {
    const cwd = place(t)
    const silent = await at(t, createServer())
    const broken = await at(t, createServer(socket => socket.once('data', () => socket.resetAndDestroy())))
    const ask = (args: string[], url: string) => cli([...args, '--url', url, '--token', 'x'], { cwd })
    const [run, tasks, reset] = await Promise.all([ask(['run', 'echo'], silent), ask(['tasks'], silent),
      ask(['run', 'echo'], broken)])
    for (const [url, { code, err }] of [[silent, run], [broken, reset]] as const) {
      t.equal(code, 1)
      t.equal(err, `offpeak: The server at ${url} has accepted the connection but not answered; ` +
        'the request may have been accepted\n' +
        '  Check with `offpeak health` whether it is blocked, and with `offpeak tasks` or `offpeak runs` ' +
        'what has been done, before you repeat it.\n')
    }
    t.match(tasks.err, /not answered\n {2}Check with `offpeak health` whether it is blocked\.\n$/,
      'what only reads has done nothing')
  })

t.test('health prints status and reasons, with any HTTP status', async t => {
  const cwd = place(t)
  let [status, body]: [number, object] = [200, { status: 'ok', reasons: [] }]
  const url = await at(t, createHttp((request, response) => {
    const answer = request.url === '/api/pauses' ? [] : body
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }))
  const ask = (...more: string[]) => cli(['health', '--url', url, '--token', 'x', ...more], { cwd })
  t.match(await ask(), { code: 0, out: 'ok\n', err: '' })
  body = { status: 'degraded', reasons: ['1 task file is broken', 'a schedule fails: no\nmore'] }
  t.match(await ask(), { code: 1, out: 'degraded\n  1 task file is broken\n  a schedule fails: no more\n', err: '' })
  ;[status, body] = [503, { status: 'failed', reasons: ['the event loop stands'], loop: { ok: false } }]
  t.match(await ask(), { code: 1, out: 'failed\n  the event loop stands\n', err: '' })
  const { code, out } = await ask('--json')
  t.same([code, JSON.parse(out)], [1, body])
  ;[status, body] = [401, { code: 'OFFPEAK_UNAUTHORIZED', detail: 'This request needs the token' }]
  t.match(await ask(), { code: 1, out: '', err: 'offpeak: This request needs the token\n' })
})

t.test('another program at the configured address is named as what it is', async t => {
  const refusing = createHttp((_, response) => {
    response.writeHead(401, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ code: 'OFFPEAK_UNAUTHORIZED', detail: 'This request needs the token' }))
  })
  const closing = createServer(socket => socket.once('data', () => socket.resetAndDestroy()))
  const alien = createHttp((_, response) => response.writeHead(404).end('<html>'))
  for (const server of [refusing, closing, alien]) {
    const url = await at(t, server)
    const cwd = place(t, { server: { port: Number(new URL(url).port) } })
    const { code, err } = await cli(['run', 'echo'], { cwd })
    t.equal(code, 1)
    t.ok(err.includes(`offpeak: No server of ${cwd} runs; ${url} belongs to `), err)
    if (process.platform === 'linux') t.match(err, `belongs to process ${process.pid} (`)
    t.match(err, /\n {2}Start one with `offpeak start --port`/)
  }
})

t.test('a server that is not an offpeak is named as such, whatever it answers', { timeout: 240_000 }, async t => {
  const cwd = place(t)
  const json = (text: string) =>
    createHttp((_, response) => response.setHeader('content-type', 'application/json').end(text))
  const others: [Server, string][] = [
    [createHttp((_, response) => response.setHeader('content-type', 'text/html').end('<html>')), 'text/html'],
    [json('{"hello":"world"}'), 'other JSON'],
    [json('null'), 'other JSON'],
    [json('[1]'), 'other JSON'],
    [createHttp((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/login' }).end()),
      'a redirect to http://127.0.0.1:1/login'],
    [createHttp((_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('no')), 'HTTP 404'],
    [createHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
      response.write('{"a":', () => response.destroy())
    }), 'breaks off'],
    [createServer(socket => socket.write('SSH-2.0-OpenSSH_9.6\r\n')), 'not HTTP']
  ]
  for (const [server, words] of others) {
    const url = await at(t, server)
    for (const command of [['tasks'], ['run', 'echo'], ['why', 'echo'], ['health']]) {
      const { code, err } = await cli([...command, '--url', url, '--token', 'x'], { cwd })
      t.equal(code, 1)
      t.ok(err.startsWith(`offpeak: ${url} answers, but not as offpeak does (`), err)
      t.match(err, words)
      t.match(err, /\n {2}Name the address of an offpeak with --url/)
    }
  }
})
