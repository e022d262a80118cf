import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener } from 'node:http'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { download } from '../../backgroundtask/_net/download.ts'
import { waitOf } from '../../backgroundtask/_net/remote-file.ts'
import { openFolder } from '../../backgroundtask/_files/root.ts'
import { TASK_DEFINITIONS } from '../../backgroundtask/sync_external_data.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'
import { webServer } from './server.ts'

const run = async (ctx: TaskContext) => TASK_DEFINITIONS[0]!.func(ctx)
const DATA = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** A server of one resource with an ETag, conditional requests and ranges. It stops a body after `cut` bytes; `hangUp`
 *  closes the connection. */
function resource () {
  const it = {
    body: DATA,
    etag: '"v1"' as string,
    cut: Infinity,
    asked: [] as IncomingMessage['headers'][],
    hangUp: () => {}
  }
  const handle: RequestListener = (request, response) => {
    it.asked.push(request.headers)
    if (request.headers['if-none-match'] === it.etag) return response.writeHead(304).end()
    const start = request.headers['if-range'] === it.etag ? Number(request.headers.range?.match(/\d+/)?.[0] ?? 0) : 0
    const body = it.body.subarray(start)
    const range = start > 0 ? { 'content-range': `bytes ${start}-${it.body.length - 1}/${it.body.length}` } : {}
    response.writeHead(start > 0 ? 206 : 200, { etag: it.etag, 'content-length': body.length, ...range })
    if (body.length <= it.cut) return response.end(body)
    it.hangUp = () => {
      response.destroy()
    }
    return response.write(body.subarray(0, it.cut))
  }
  return { it, handle }
}

async function setup (t: Test, payload: object = {}) {
  const { it, handle } = resource()
  const { url, allow } = await webServer(t, handle)
  const dir = t.testdir()
  const file = join(dir, 'data.bin')
  const fake = fakeContext('sync_external_data', { url, file, allow, ...payload })
  const { update } = fake.ctx.progress
  fake.ctx.progress.update = done => {
    update(done)
    it.hangUp()
  }
  return { it, dir, file, url, ...fake }
}

tap.test('a file is fetched again only when it has changed', async t => {
  const { it, file, ctx, recorded } = await setup(t)
  t.match(await run(ctx), { bytes: 300_000, sha256: sha(DATA), changed: true, resumed_from: 0 })
  t.match(recorded.progress, { current: 300_000, total: 300_000, unit: 'bytes' })
  await t.rejects(run(ctx), { name: 'Skip', message: 'not modified' })
  t.equal(it.asked[1]!['if-none-match'], '"v1"')
  Object.assign(it, { body: Buffer.from('news'), etag: '"v2"' })
  t.match(await run(ctx), { bytes: 4, changed: true })
  t.equal(readFileSync(file, 'utf8'), 'news')
})

tap.test('a file that was changed or removed by hand is fetched again', async t => {
  const { dir, file, ctx } = await setup(t)
  await run(ctx)
  writeFileSync(file, 'vandal')
  chmodSync(file, 0o644)
  t.match(await run(ctx), { bytes: 300_000 })
  t.same(readFileSync(file), DATA)
  t.equal(statSync(file).mode & 0o777, 0o644)
  t.strictSame(readdirSync(dir).toSorted(), ['.data.bin.sync.json', 'data.bin'])
})

tap.test('an interrupted download is resumed, and the old file stays until it is complete', async t => {
  const { it, file, ctx } = await setup(t)
  writeFileSync(file, 'old')
  it.cut = 100_000
  await t.rejects(run(ctx), { code: 'ECONNRESET' })
  t.equal(readFileSync(file, 'utf8'), 'old')
  it.cut = Infinity
  const result = await run(ctx) as { resumed_from: number }
  t.match(result, { bytes: 300_000, sha256: sha(DATA) })
  t.ok(result.resumed_from > 0 && result.resumed_from <= 100_000)
  t.equal(it.asked[1]!.range, `bytes=${result.resumed_from}-`)
  t.same(readFileSync(file), DATA)
})

tap.test('a part is discarded when the file has changed', async t => {
  const { it, file, ctx } = await setup(t)
  it.cut = 100_000
  await t.rejects(run(ctx))
  Object.assign(it, { cut: Infinity, etag: '"v2"', body: Buffer.from(DATA.toReversed()) })
  t.match(await run(ctx), { resumed_from: 0, sha256: sha(it.body) })
  t.same(readFileSync(file), it.body)
})

tap.test('a part with a weak validator, or of another URL, is not resumed', async t => {
  const { it, ctx, url } = await setup(t)
  Object.assign(it, { cut: 100_000, etag: 'W/"v1"' })
  await t.rejects(run(ctx))
  await t.rejects(run(ctx))
  t.equal(it.asked[1]!.range, undefined)
  it.etag = '"v1"'
  await t.rejects(run(ctx))
  await t.rejects(run({ ...ctx, payload: { ...ctx.payload as object, url: `${url}/other` } }))
  t.equal(it.asked[3]!.range, undefined)
})

tap.test('a range other than the requested one is rejected', async t => {
  const dir = t.testdir()
  const file = join(dir, 'data.bin')
  let turn = 0
  const { url, allow } = await webServer(t, (_request, response) => {
    turn++
    if (turn === 1) {
      response.writeHead(200, { etag: '"v"', 'content-length': 10 })
      ctx.progress.update = () => {
        response.destroy()
      }
      return response.write('01234')
    }
    if (turn === 2) return response.writeHead(206, { etag: '"v"', 'content-range': 'bytes 0-4/10' }).end('01234')
    return response.writeHead(200, { etag: '"v"' }).end('0123456789')
  })
  const { ctx } = fakeContext('sync_external_data', { url, file, allow })
  await t.rejects(run(ctx))
  await t.rejects(run(ctx), { name: 'AnswerRefused' })
  t.match(await run(ctx), { resumed_from: 0 })
  t.equal(readFileSync(file, 'utf8'), '0123456789')
})

tap.test('a file above the limit is refused, with or without a length, and leaves no file', async t => {
  const { dir, ctx } = await setup(t, { max_size: '100 KB' })
  await t.rejects(run(ctx), { name: 'Fatal', message: /payload\.max_size/ })
  const { url, allow } = await webServer(t, (_request, response) => {
    response.end(DATA)
  })
  const chunked = await webServer(t, (_request, response) => {
    response.write(DATA)
    response.end(DATA)
  })
  const ask = { ...ctx.payload as object, url, allow: [...allow, ...chunked.allow] }
  await t.rejects(run({ ...ctx, payload: ask }), { name: 'Fatal' })
  await t.rejects(run({ ...ctx, payload: { ...ask, url: chunked.url } }), { name: 'Fatal' })
  t.strictSame(readdirSync(dir), [])
})

tap.test('answers are retried at once, later or never, depending on their status', async t => {
  const statuses: Record<string, [number, object?]> = {
    '/later': [503, { 'retry-after': '120' }],
    '/gone': [410],
    '/down': [500],
    '/busy': [429]
  }
  const { url, allow } = await webServer(t, (request, response) => {
    const [status, headers = {}] = statuses[request.url!]!
    response.writeHead(status, headers as Record<string, string>).end()
  })
  const dir = t.testdir()
  const ask = (path: string) =>
    run(fakeContext('sync_external_data', { url: url + path, file: join(dir, 'x'), allow }).ctx)
  await t.rejects(ask('/later'), { name: 'RetryAfter', ms: 120_000 })
  await t.rejects(ask('/gone'), { name: 'Fatal', message: /410/ })
  await t.rejects(ask('/down'), { name: 'AnswerRefused' })
  await t.rejects(ask('/busy'), { name: 'AnswerRefused' })
})

tap.test('a server that stops sending is given up', async t => {
  const { url, allow } = await webServer(t, (_request, response) => {
    response.writeHead(200, { 'content-length': 10 })
    response.write('01234')
  })
  const folder = await openFolder(t.testdir())
  t.teardown(() => folder.close())
  const quiet = { breathe: async () => {}, onTotal: () => {}, onBytes: () => {} }
  const { signal } = new AbortController()
  await t.rejects(
    download({
      url,
      folder,
      name: 'x',
      headers: {},
      allowed: { allow, allow_private: false },
      maxBytes: 100,
      signal,
      idleMs: 50,
      ...quiet
    })
  )
  t.notOk(existsSync(join(folder.path, 'x')))
})

tap.test('links with the names of the file or its part are not followed', async t => {
  const { dir, file, ctx } = await setup(t)
  const precious = join(dir, 'precious')
  writeFileSync(precious, 'mine')
  symlinkSync(precious, join(dir, '.data.bin.part'))
  await run(ctx)
  t.equal(readFileSync(precious, 'utf8'), 'mine')
  t.same(readFileSync(file), DATA)
  const link = join(dir, 'link.bin')
  symlinkSync(precious, link)
  await t.rejects(run({ ...ctx, payload: { ...ctx.payload as object, file: link } }), { message: /not a file/ })
  t.equal(readFileSync(precious, 'utf8'), 'mine')
})

tap.test('a stop keeps the part for the next attempt', async t => {
  const { it, dir, ctx, stop } = await setup(t)
  ctx.progress.update = () => stop.abort(new Error('stopped'))
  await t.rejects(run(ctx), { message: 'stopped' })
  t.ok(statSync(join(dir, '.data.bin.part')).size > 0)
  const again = fakeContext('sync_external_data', ctx.payload as object)
  t.match(await run(again.ctx), { sha256: sha(DATA) })
  t.match(it.asked[1]!.range, /^bytes=[1-9]/)
})

tap.test('a run without URL and file is skipped; one with a forbidden address fails', async t => {
  await t.rejects(run(fakeContext('sync_external_data').ctx), {
    name: 'Skip',
    message: /builtin\.sync_external_data\.payload\.url/
  })
  const payload = { url: 'http://127.0.0.1:1/', file: join(t.testdir(), 'x') }
  await t.rejects(run(fakeContext('sync_external_data', payload).ctx), { name: 'Fatal', message: /payload\.url/ })
})

tap.test('Retry-After is limited to a day, and invalid values are ignored', t => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  t.strictSame(
    ['120', '1e15', '1'.padEnd(300, '0'), '-0', '-5', '1.5', 'soon', '', 'Infinity', undefined].map(header =>
      waitOf(header, now)
    ),
    [120, null, 86_400, null, null, null, null, null, null, null]
  )
  t.equal(waitOf('Sun, 22 Nov 2026 12:05:00 GMT', now), 300)
  t.equal(waitOf('Fri, 01 Jan 2038 00:00:00 GMT', now), 86_400)
  t.equal(waitOf('Sat, 21 Nov 2026 12:00:00 GMT', now), null, 'it has passed')
  t.end()
})
