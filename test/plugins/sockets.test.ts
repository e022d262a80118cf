import t from 'tap'
import type { Test } from 'tap'
import { Server, get } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { keepRoom, roomIn } from '../../core/sockets.ts'

const MOST = 20

async function setup (t: Test) {
  const waiting: (() => void)[] = []
  const server = new Server((request, response) => {
    if (request.url === '/held') return void waiting.push(() => response.end('held'))
    response.end('well')
  })
  keepRoom(server, MOST)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const open = async () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const ask = (path: string) =>
    new Promise<string>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, agent: false },
        response => response.on('data', chunk => resolve(String(chunk)))).on('error', reject)
    })
  return { server, open, ask, waiting }
}

t.test('a flood of idle sockets leaves room for new and running requests [S17, F52]', async t => {
  const { open, ask, waiting } = await setup(t)
  const held = ask('/held')
  while (waiting.length === 0) await new Promise(resolve => setImmediate(resolve))
  const slow = await open()
  slow.write('GET / HTTP/1.1\r\nHost: x\r\n')
  for (let index = 0; index < 5 * MOST; index++) await open()
  t.equal(await ask('/'), 'well')
  if (!slow.destroyed) await once(slow, 'close')
  t.ok(slow.destroyed, 'the oldest are closed, one with half a request among them')
  waiting[0]!()
  t.equal(await held, 'held', 'an earlier request is answered')
})

t.test('a new connection is closed while all others have running requests', async t => {
  const { ask, waiting } = await setup(t)
  const all = Array.from({ length: MOST }, () => ask('/held'))
  while (waiting.length < MOST) await new Promise(resolve => setImmediate(resolve))
  await t.rejects(ask('/'))
  for (const answer of waiting) answer()
  t.strictSame(new Set(await Promise.all(all)), new Set(['held']))
  t.equal(await ask('/'), 'well')
})

t.test('the number of connections depends on the limit of descriptors', async t => {
  t.strictSame([64, 1024, 4096, Infinity].map(roomIn), [64, 768, 2048, 2048])
})

t.test('a connection that pipelines too many requests is closed, and the rest is not answered [S17, F52]', async t => {
  const { server, open, ask } = await setup(t)
  let asked = 0
  server.prependListener('request', ({ url }) => {
    if (url === '/flood') asked++
  })
  const some = await open()
  const answers: string[] = []
  some.on('data', chunk => answers.push(String(chunk)))
  some.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(16))
  while (answers.join('').match(/well/g)?.length !== 16) await once(some, 'data')
  t.equal(some.destroyed, false, 'a few pipelined requests are answered')
  const flood = await open()
  const received: string[] = []
  flood.on('data', chunk => received.push(String(chunk)))
  flood.write('GET /held HTTP/1.1\r\nHost: x\r\n\r\n' + 'GET /flood HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000))
  await once(flood, 'close')
  t.ok(asked > 0 && asked <= 16, `nor was the rest read: ${asked} were`)
  t.same(received, [], 'the first request still waits')
  t.equal(await ask('/'), 'well')
})
