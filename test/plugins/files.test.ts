import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import type { AddressInfo } from 'node:net'
import type { Socket } from 'node:net'
import { defaultsOf } from '../../core/model/config/config.ts'
import { fileName, forgetUploads, storeUpload } from '../../core/work/desk/uploads.ts'
import { TASKS, setup } from './setup.ts'
import { fakeClock, until } from '../clock.ts'
import { fakeSenses } from '../work/fake-senses.ts'

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const OCTETS = { 'content-type': 'application/octet-stream' }
const LIMITS = defaultsOf().uploads

t.test('a file is stored as it was sent, for its owner alone', async t => {
  const it = await setup(t)
  const bytes = Buffer.from('{"not": "json\u0000', 'latin1')
  for (const [type, name] of [['application/octet-stream', 'a.bin'], ['application/json', 'b.json'], ['text/plain',
    'ü b.txt']]) {
    const answer = await it.ask({
      method: 'POST',
      url: `/api/files?name=${encodeURIComponent(name!)}`,
      payload: bytes,
      headers: { 'content-type': type }
    })
    t.equal(answer.statusCode, 201)
    const stored = answer.json()
    t.match(stored, { name: name!.replace(' ', '_'), bytes: bytes.length, sha256: sha(bytes) })
    t.same(readFileSync(stored.path), bytes)
    t.equal(dirname(stored.path), join(it.manager.folder, 'uploads'))
    t.equal(statSync(stored.path).mode & 0o777, 0o600)
  }
  t.match((await it.ask({ url: '/api/records' })).json().items[0], { action: 'upload', by: 'api', subject: 'ü_b.txt' })
  t.equal((await it.plain({ method: 'POST', url: '/api/files', payload: bytes, headers: OCTETS })).statusCode, 401)
  t.equal((await it.post('/api/tasks/echo/runs')).statusCode, 202, 'other routes read bodies as before')
  t.equal((await it.ask({ method: 'POST', url: '/api/tasks/echo/runs', payload: bytes, headers: OCTETS })).statusCode,
    415)
})

t.test('a file with a content coding is stored decoded, and a form is refused', async t => {
  const it = await setup(t)
  const bytes = Buffer.from('words '.repeat(10_000))
  const send = async (payload: Buffer, headers: Record<string, string>) =>
    await it.ask({ method: 'POST', url: '/api/files?name=a', payload, headers: { ...OCTETS, ...headers } })
  const packed: Record<string, Buffer> = {
    'gzip': gzipSync(bytes),
    'br': brotliCompressSync(bytes),
    'deflate': deflateSync(bytes),
    'zstd': zstdCompressSync(bytes),
    'identity': bytes,
    'gzip, br': brotliCompressSync(gzipSync(bytes))
  }
  for (const [coding, body] of Object.entries(packed)) {
    const answer = await send(body, { 'content-encoding': coding })
    t.match([answer.statusCode, answer.json()], [201, { bytes: bytes.length, sha256: sha(bytes) }], coding)
  }
  t.match((await send(bytes, { 'content-encoding': 'secret' })).json(), {
    status: 415,
    code: 'OFFPEAK_UPLOAD_REFUSED',
    detail: /'secret' is not supported/
  })
  t.match((await send(gzipSync(bytes).subarray(0, 100), { 'content-encoding': 'gzip' })).json(), {
    status: 400,
    code: 'OFFPEAK_UPLOAD_BROKEN'
  })
  t.match((await send(bytes, { 'content-encoding': 'gzip' })).json(), { status: 400, code: 'OFFPEAK_UPLOAD_BROKEN' })
  t.match((await send(bytes, { 'content-type': 'multipart/form-data; boundary=x' })).json(), {
    status: 415,
    detail: /Multipart forms are not supported/
  })
  t.equal(readdirSync(join(it.manager.folder, 'uploads')).length, Object.keys(packed).length)
})

t.test('a name stays inside its folder', async t => {
  const names = {
    '../../etc/passwd': 'passwd',
    'C:\\x\\boot.ini': 'boot.ini',
    '..': 'file',
    '.hidden': 'hidden',
    'a\u0000b\n.txt': 'a_b_.txt',
    '-rf': 'rf',
    '日本.txt': '日本.txt',
    '/': 'file'
  }
  for (const [sent, name] of Object.entries(names)) t.equal(fileName(sent), name, JSON.stringify(sent))
  t.equal(fileName('x'.repeat(300)).length, 100)
  for (const sign of ['日', 'ü', '𝒳']) {
    t.ok(Buffer.byteLength(`0123456789abcdef-${fileName(sign.repeat(300))}.part`) < 255, sign)
  }
})

async function* pieces (count: number, size: number) {
  for (let index = 0; index < count; index++) yield Buffer.alloc(size, index)
}

t.test('an upload above the limit is refused, and nothing of it remains', async t => {
  const folder = t.testdir({})
  const ask = { folder, id: 'abc', name: 'a', now: Date.now(), limits: { ...LIMITS, max_bytes: 1000 } }
  await t.rejects(storeUpload({ ...ask, bytes: 1001, from: pieces(0, 0) }), {
    code: 'OFFPEAK_UPLOAD_TOO_LARGE',
    statusCode: 413,
    fix: /uploads\.max_bytes/
  }, 'before the first byte')
  await t.rejects(storeUpload({ ...ask, bytes: null, from: pieces(11, 100) }), { code: 'OFFPEAK_UPLOAD_TOO_LARGE' },
    'and where the sender says nothing')
  await t.rejects(storeUpload({ ...ask, bytes: 500, from: pieces(4, 100) }), {
    code: 'OFFPEAK_UPLOAD_BROKEN',
    statusCode: 400
  })
  t.same(readdirSync(join(folder, 'uploads')), [])
  t.match(await storeUpload({ ...ask, bytes: null, from: pieces(10, 100) }), { bytes: 1000 })
})

t.test('the disk reserve stays free', async t => {
  const folder = t.testdir({})
  const ask = { folder, id: 'abc', name: 'a', now: Date.now() }
  const roomy = { ...LIMITS, max_bytes: Number.MAX_SAFE_INTEGER }
  await t.rejects(storeUpload({ ...ask, bytes: 2 ** 52, limits: roomy, from: pieces(0, 0) }), {
    code: 'OFFPEAK_DISK_FULL',
    statusCode: 507
  }, 'counted with the file')
  await t.rejects(
    storeUpload({ ...ask, bytes: null, limits: { ...LIMITS, disk_reserve: 2 ** 52 }, from: pieces(1, 1) }),
    { code: 'OFFPEAK_DISK_FULL', fix: /uploads\.disk_reserve/ }
  )
  async function* full () {
    yield Buffer.alloc(1)
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
  }
  await t.rejects(storeUpload({ ...ask, bytes: null, limits: LIMITS, from: full() }), { code: 'OFFPEAK_UPLOAD_BROKEN' },
    "what the sender's side says is not about this disk")
  t.same(readdirSync(join(folder, 'uploads')), [])
})

t.test('uploads that nothing has changed for long are removed', async t => {
  const folder = t.testdir({})
  const now = Date.now()
  const store = (id: string, limits = LIMITS) =>
    storeUpload({ folder, id, name: 'a', bytes: null, now, limits, from: pieces(1, 1) })
  const [one, two] = [await store('one'), await store('two')]
  const age = (path: string, hours: number) => utimesSync(path, now / 1000, now / 1000 - hours * 3600)
  age(one.path, 7 * 24 + 1)
  age(two.path, 7 * 24 - 1)
  const three = await store('three')
  t.same([one, two, three].map(({ path }) => existsSync(path)), [false, true, true])
  const four = await store('four', { ...LIMITS, max_age: '6d' })
  t.same([two, three, four].map(({ path }) => existsSync(path)), [false, true, true], 'as the configuration says')
  age(three.path, 2)
  await forgetUploads(folder, now - 3_600_000)
  t.same([three, four].map(({ path }) => existsSync(path)), [false, true])
  await forgetUploads(join(folder, 'nowhere'), now)
})

t.test('the sweep removes old uploads without a new one', async t => {
  const clock = fakeClock(Date.now())
  const it = await setup(t, { options: { clock, loops: 'none', senses: fakeSenses(clock).senses } })
  const { path } = (await it.ask({ method: 'POST', url: '/api/files', payload: 'x', headers: OCTETS })).json()
  clock.advance(7 * 24 * 3_600_000 - 60_000)
  await it.manager.beat('sweep')
  t.ok(existsSync(path))
  clock.advance(3_600_000)
  await it.manager.beat('sweep')
  t.notOk(existsSync(path))
})

/** A server that listens, its connections, and a file on its way to it. */
async function sending (t: Parameters<typeof setup>[0], uploads: object = {}) {
  const it = await setup(t, { tasks: TASKS, options: { config: { uploads } } })
  const sockets: Socket[] = []
  it.app.server.on('connection', socket => {
    sockets.push(socket)
  })
  await it.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = it.app.server.address() as AddressInfo
  const place = join(it.manager.folder, 'uploads')
  const send = (path = '/api/files?name=big', headers: Record<string, string> = OCTETS) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${it.token}`, ...headers },
      agent: false
    })
    const answer = new Promise<{ status: number, connection: string, code?: string, bytes?: number }>(
      (resolve, reject) => {
        sent.on('error', reject).on('response', response => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          }).on('end', () =>
            resolve({
              status: response.statusCode!,
              connection: response.headers.connection!,
              ...JSON.parse(text) as object
            }))
        })
      }
    )
    answer.catch(() => undefined)
    return { sent, answer }
  }
  return { ...it, place, send, sockets }
}

t.test('a slow upload may take long while bytes arrive, other requests may not', async t => {
  const { send, sockets, app, place } = await sending(t)
  const { sent, answer } = send()
  sent.write('one')
  await until('it has begun', () => existsSync(place) && readdirSync(place).length === 1)
  const late = (index: number) => {
    app.server.emit('clientError', Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
      sockets[index])
    app.server.emit('timeout', sockets[index])
  }
  late(0)
  sent.end(' two')
  t.match(await answer, { status: 201, bytes: 7 })
  const other = send('/api/tasks/echo/runs', { 'content-type': 'application/json', 'content-length': '99' })
  other.sent.write('{')
  await until('it has come', () => sockets.length === 2 && sockets[1]!.bytesRead > 100)
  late(1)
  t.match(await other.answer, { status: 408, code: 'OFFPEAK_REQUEST_TIMEOUT' })
})

t.test('an upload without progress is closed [F52]', async t => {
  const { send, place } = await sending(t, { idle_timeout: 0.05 })
  const { sent, answer } = send()
  sent.write('one')
  t.match(await answer, {
    status: 408,
    code: 'OFFPEAK_UPLOAD_STALLED',
    detail: 'No data of the file has arrived for 0.05 s'
  })
  t.same(readdirSync(place), [])
  await once(sent, 'close')
})

t.test('an upload that is too large is refused while it is sent', async t => {
  const { send, place } = await sending(t, { max_bytes: 1000 })
  const length = { 'content-length': String(64 * 1024 * 1024) }
  const cases: [path: string, headers: Record<string, string>, code: string][] = [
    ['/api/files', OCTETS, 'OFFPEAK_UPLOAD_TOO_LARGE'],
    ['/api/files', { ...OCTETS, ...length }, 'OFFPEAK_UPLOAD_TOO_LARGE'],
    ['/api/runs/bulk', { 'content-type': 'application/json', ...length }, 'OFFPEAK_BODY_TOO_LARGE'],
    ['/api/tasks/echo/runs', { 'content-type': 'application/json' }, 'OFFPEAK_BODY_TOO_LARGE']
  ]
  for (const [path, headers, code] of cases) {
    const { sent, answer } = send(path, headers)
    const more = () => {
      while (!sent.destroyed && sent.write(Buffer.alloc(65_536)));
    }
    sent.on('drain', more)
    more()
    t.match(await answer, { status: 413, code, connection: 'keep-alive' },
      'the line stays open for what is still on its way')
    sent.destroy()
  }
  t.same(readdirSync(place), [])
})

t.test('an upload is streamed to disk, and nothing remains of an aborted one', async t => {
  const { send, place } = await sending(t)
  const { sent } = send()
  for (let index = 0; index < 32; index++) if (!sent.write(Buffer.alloc(1024 * 1024, index))) await once(sent, 'drain')
  const size = () =>
    existsSync(place) ? readdirSync(place).reduce((sum, name) => sum + statSync(join(place, name)).size, 0) : 0
  await until('most of it is on disk, though the end has not come', () => size() > 30 * 1024 * 1024)
  t.match(readdirSync(place), [/^[0-9a-f]{16}-big\.part$/])
  sent.destroy()
  await until('nothing is left', () => readdirSync(place).length === 0)
})
