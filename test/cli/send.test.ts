import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { RequestListener } from 'node:http'
import t from 'tap'
import type { Test } from 'tap'
import { send } from '../../core/cli/exchange/send.ts'

async function listening (t: Test, answer: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(answer).listen(0, host)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return `http://localhost:${(server.address() as AddressInfo).port}`
}

const get = (url: string, signal = AbortSignal.timeout(60_000)) => send(url, { method: 'GET', headers: {}, signal })

t.test('a request has its body and headers, and no redirect is followed', async t => {
  const url = await listening(t, (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      response.writeHead(302, { location: '/elsewhere', 'content-type': 'text/plain' })
      response.end(`${request.method} ${request.url} ${request.headers['content-length']} ${Buffer.concat(parts)}`)
    })
  })
  const answer = await send(`${url}/jobs/api?a=1`, {
    method: 'PUT',
    headers: {},
    body: 'ü',
    signal: AbortSignal.timeout(60_000)
  })
  t.match(answer, { status: 302, headers: { location: '/elsewhere' } })
  t.equal(await answer.text(), 'PUT /jobs/api?a=1 2 ü')
})

t.test('a character that arrives in two pieces is one', async t => {
  const [first, second] = [Buffer.from('€').subarray(0, 1), Buffer.from('€').subarray(1)]
  const url = await listening(t, async (_, response) => {
    response.write(Buffer.concat([Buffer.from('1'), first]))
    await new Promise(setImmediate)
    response.end(second)
  })
  let all = ''
  for await (const piece of (await get(url)).pieces()) all += piece
  t.equal(all, '1€')
})

t.test('a body that breaks off is no whole one', async t => {
  const url = await listening(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('begun', () => response.destroy())
  })
  await t.rejects((await get(url)).text(), { code: 'ECONNRESET' })
})

t.test('what the signal ends has its reason, before the answer and within it', async t => {
  const silent = await listening(t, () => undefined)
  const stop = new AbortController()
  const asked = get(silent, stop.signal)
  stop.abort(new DOMException('late', 'TimeoutError'))
  await t.rejects(asked, { name: 'TimeoutError' })
  const slow = await listening(t, (_, response) => void response.write('begun'))
  const later = new AbortController()
  const answer = await get(slow, later.signal)
  const body = answer.text()
  later.abort(new Error('enough'))
  await t.rejects(body, { message: 'enough' })
})

t.test('localhost is found at either of its addresses', async t => {
  const url = await listening(t, (_, response) => void response.end('here'), '127.0.0.1')
  t.equal(await (await get(url)).text(), 'here')
})

t.test('something that does not speak HTTP, and nothing at all, are errors of node:http', async t => {
  const { createServer: tcp } = await import('node:net')
  const other = tcp(socket => void socket.end('SSH-2.0-x\r\n')).listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  await t.rejects(get(`http://127.0.0.1:${port}`), { code: /^HPE_/ })
  await t.rejects(get('http://127.0.0.1:1'), { code: 'ECONNREFUSED' })
})
