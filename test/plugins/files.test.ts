import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { AddressInfo } from 'node:net'
import { fileName, storeUpload } from '../../core/work/uploads.ts'
import { TASKS, setup } from './setup.ts'
import { until } from '../clock.ts'

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const OCTETS = { 'content-type': 'application/octet-stream' }

t.test('a file is stored as it was sent, for its owner alone', async t => {
  const it = await setup(t)
  const bytes = Buffer.from('{"not": "json\u0000', 'latin1')
  for (const [type, name] of [['application/octet-stream', 'a.bin'], ['application/json', 'b.json'], ['text/plain', 'ü b.txt']]) {
    const answer = await it.ask({ method: 'POST', url: `/api/files?name=${encodeURIComponent(name!)}`, payload: bytes, headers: { 'content-type': type } })
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
  t.equal((await it.ask({ method: 'POST', url: '/api/tasks/echo/runs', payload: bytes, headers: OCTETS })).statusCode, 415)
})

t.test('a name stays inside its folder', async t => {
  const names = { '../../etc/passwd': 'passwd', 'C:\\x\\boot.ini': 'boot.ini', '..': 'file', '.hidden': 'hidden', 'a\u0000b\n.txt': 'a_b_.txt', '-rf': 'rf', '日本.txt': '日本.txt', '/': 'file' }
  for (const [sent, name] of Object.entries(names)) t.equal(fileName(sent), name, JSON.stringify(sent))
  t.equal(fileName('x'.repeat(300)).length, 100)
})

async function * pieces (count: number, size: number) {
  for (let index = 0; index < count; index++) yield Buffer.alloc(size, index)
}

t.test('more than is allowed is refused, and nothing is left of it', async t => {
  const folder = t.testdir({})
  const ask = { folder, id: 'abc', name: 'a', now: Date.now(), most: 1000 }
  await t.rejects(storeUpload({ ...ask, bytes: 1001, from: pieces(0, 0) }), { code: 'OFFPEAK_UPLOAD_TOO_LARGE', statusCode: 413 }, 'before the first byte')
  await t.rejects(storeUpload({ ...ask, bytes: null, from: pieces(11, 100) }), { code: 'OFFPEAK_UPLOAD_TOO_LARGE' }, 'and where the sender says nothing')
  await t.rejects(storeUpload({ ...ask, bytes: 500, from: pieces(4, 100) }), { code: 'OFFPEAK_UPLOAD_BROKEN' })
  await t.rejects(storeUpload({ ...ask, bytes: 1e18, most: Infinity, from: pieces(0, 0) }), { code: 'OFFPEAK_DISK_FULL', statusCode: 507 })
  t.same(readdirSync(join(folder, 'uploads')), [])
  t.match(await storeUpload({ ...ask, bytes: null, from: pieces(10, 100) }), { bytes: 1000 })
})

t.test('uploads are forgotten after a week', async t => {
  const folder = t.testdir({})
  const now = Date.now()
  const one = await storeUpload({ folder, id: 'one', name: 'a', bytes: null, now, from: pieces(1, 1) })
  const two = await storeUpload({ folder, id: 'two', name: 'a', bytes: null, now, from: pieces(1, 1) })
  utimesSync(one.path, now / 1000, now / 1000 - 8 * 86_400)
  await storeUpload({ folder, id: 'three', name: 'a', bytes: null, now, from: pieces(1, 1) })
  t.same([existsSync(one.path), existsSync(two.path)], [false, true])
})

t.test('it goes to disk as it comes, and nothing stays of what breaks off', async t => {
  const it = await setup(t, { tasks: TASKS })
  await it.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = it.app.server.address() as AddressInfo
  const place = join(it.manager.folder, 'uploads')
  const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/api/files?name=big', headers: { authorization: `Bearer ${it.token}`, ...OCTETS } })
  sent.on('error', () => undefined)
  for (let index = 0; index < 32; index++) if (!sent.write(Buffer.alloc(1024 * 1024, index))) await once(sent, 'drain')
  const size = () => existsSync(place) ? readdirSync(place).reduce((sum, name) => sum + statSync(join(place, name)).size, 0) : 0
  await until('most of it is on disk, though the end has not come', () => size() > 30 * 1024 * 1024)
  t.match(readdirSync(place), [/^[0-9a-f]{16}-big\.part$/])
  sent.destroy()
  await until('nothing is left', () => readdirSync(place).length === 0)
})
