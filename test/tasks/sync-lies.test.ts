import { existsSync, readFileSync, readdirSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import tap from 'tap'
import type { Test } from 'tap'
import { TASK_DEFINITIONS } from '../../backgroundtask/sync_external_data.ts'
import { fakeContext } from './context.ts'
import { webServer } from './server.ts'

const hangUp = { pull: () => {} }

/** A download from a server that sends the answers in order, and repeats the last one. */
async function setup (t: Test, { name = 'data.json', answers }: { name?: string, answers: RequestListener[] }) {
  const ranges: (string | undefined)[] = []
  const { url, allow } = await webServer(t, (request, response) => {
    ranges.push(request.headers.range)
    return (answers.length > 1 ? answers.shift()! : answers[0]!)(request, response)
  })
  const dir = t.testdir()
  const file = join(dir, name)
  const get = async (arrived = () => hangUp.pull()) => {
    const { ctx } = fakeContext('sync_external_data', { url: `${url}/x`, file, allow })
    ctx.progress.update = arrived
    return await TASK_DEFINITIONS[0]!.func(ctx)
  }
  return { dir, file, get, ranges, text: () => existsSync(file) ? readFileSync(file, 'utf8') : null }
}

/** Sends ten of a hundred bytes, and closes the connection when they have arrived. */
const cut = (headers: Record<string, string>): RequestListener => (_request, response) => {
  response.writeHead(200, { 'content-length': 100, ...headers }).write('0123456789')
  hangUp.pull = () => {
    hangUp.pull = () => {}
    response.destroy()
  }
}

tap.test('304 is accepted only after a conditional request', async t => {
  const { get, text, dir } = await setup(t, { answers: [(_request, response) => response.writeHead(304).end()] })
  await t.rejects(get(), { name: 'Fatal', message: /304 to an unconditional request/ })
  t.equal(text(), null)
  t.same(readdirSync(dir), [])
})

tap.test('a range that ends too early is kept as a part, and resumed', async t => {
  const etag = '"1"'
  const piece = (from: number, to: number): RequestListener => (_request, response) =>
    response.writeHead(206, { etag, 'content-range': `bytes ${from}-${to}/100` }).end('x'.repeat(to - from + 1))
  const { get, text, ranges } = await setup(t, { answers: [cut({ etag }), piece(10, 19), piece(20, 99)] })
  await t.rejects(get(), { code: 'ECONNRESET' })
  await t.rejects(get(), { message: 'The server sent 20 of 100 bytes' })
  t.equal(text(), null)
  t.match(await get(), { bytes: 100, resumed_from: 20 })
  t.same(ranges, [undefined, 'bytes=10-', 'bytes=20-'])
  t.equal(text(), `0123456789${'x'.repeat(90)}`)
})

tap.test('an unrequested part is rejected', async t => {
  const { get, text } = await setup(t, {
    answers: [(_request, response) => response.writeHead(206, { 'content-range': 'bytes 0-9/100' }).end('0123456789')]
  })
  await t.rejects(get(), { message: 'The server sent 10 of 100 bytes' })
  t.equal(text(), null)
})

tap.test('a range of a file with another date is not joined to the part', async t => {
  const whole: RequestListener = (_request, response) => response.writeHead(200).end('whole')
  const { get, text } = await setup(t, {
    answers: [
      cut({ 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' }),
      (_request, response) =>
        response.writeHead(206, {
          'last-modified': 'Wed, 01 Jan 2025 00:00:00 GMT',
          'content-range': 'bytes 10-99/100'
        }).end('y'.repeat(90)),
      whole
    ]
  })
  await t.rejects(get(), { code: 'ECONNRESET' })
  await t.rejects(get(), { message: 'The server answered 206' })
  await get()
  t.equal(text(), 'whole')
})

tap.test('a compressed body is decompressed or refused, and a compressed file stays as it is', async t => {
  for (const [coding, body] of [['gzip', gzipSync('words')], ['x-gzip', gzipSync('words')], ['zstd',
    zstdCompressSync('words')], ['identity', Buffer.from('words')]] as const) {
    const send: RequestListener = (_request, response) =>
      response.writeHead(200, { 'content-encoding': coding }).end(body)
    const { get, text } = await setup(t, { answers: [send] })
    t.match(await get(), { bytes: 5 }, coding)
    t.equal(text(), 'words', coding)
    const { get: again, file } = await setup(t, { name: 'data.tar.gz', answers: [send] })
    await again()
    t.same(readFileSync(file), body, coding)
  }
  for (const [coding, body] of [['compress', 'x'], ['gzip, br', 'x'], ['gzip', gzipSync('words').subarray(0, 12)], [
    'gzip',
    'no gzip'
  ]] as const) {
    const { get, text } = await setup(t, {
      answers: [(_request, response) => response.writeHead(200, { 'content-encoding': coding, etag: '"1"' }).end(body)]
    })
    await t.rejects(get(), coding)
    t.equal(text(), null, coding)
  }
})

tap.test('two simultaneous downloads of a file never leave an incomplete file', async t => {
  const going: (() => void)[] = []
  const { get, text } = await setup(t, {
    answers: [(_request, response) => {
      response.writeHead(200).write('half')
      going.push(() => {
        response.end('half')
      })
    }]
  })
  const begin = async () => {
    const arrived = Promise.withResolvers<void>()
    const end = get(arrived.resolve).catch((error: unknown) => error)
    await arrived.promise
    return { end }
  }
  const [first, second] = [await begin(), await begin()]
  going[0]!()
  t.match(await first.end, { message: "Another run is fetching 'data.json'" })
  t.equal(text(), null)
  going[1]!()
  await second.end
  t.equal(text(), 'halfhalf')
})
