import { execFile } from '../child.ts'
import { promisify } from 'node:util'
import tap from 'tap'
import { reachOf, refusal } from '../../backgroundtask/_net/address.ts'
import { fetchSafely, readBody, urlOf } from '../../backgroundtask/_net/web.ts'
import { webServer } from './server.ts'

const NOTHING = { allow: [], allow_private: false }
const { signal } = new AbortController()

tap.test('the kind of an address is recognised in every notation [S29]', async t => {
  const cases: [string, string][] = [
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['127.0.0.1', 'loopback'],
    ['127.9.9.9', 'loopback'],
    ['::1', 'loopback'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['::', 'unspecified'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['fd12::1', 'private'],
    ['169.254.1.1', 'link_local'],
    ['fe80::1', 'link_local'],
    ['fe80::1%eth0', 'link_local'],
    ['169.254.169.254', 'metadata'],
    ['fd00:ec2::254', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:7f00:1', 'loopback'],
    ['0:0:0:0:0:ffff:a9fe:a9fe', 'metadata'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['64:ff9b::808:808', 'public'],
    ['::ffff:8.8.8.8', 'public'],
    ['::127.0.0.1', 'reserved'],
    ['2002:7f00:1::', 'reserved'],
    ['2001:0:7f00:1::', 'reserved'],
    ['fec0::1', 'reserved'],
    ['no address', 'reserved']
  ]
  for (const [address, reach] of cases) t.equal(reachOf(address), reach, address)
})

const ask = (allow: string[]) =>
  refusal({ host: 'nas.lan', port: '80', address: '192.168.1.5', allowed: { allow, allow_private: false } }) === null

tap.test('listed addresses are allowed, and no others', async t => {
  t.ok(
    ask(['nas.lan']) && ask(['NAS.lan:80']) && ask(['192.168.1.5']) && ask(['192.168.0.0/16']) &&
      ask(['192.168.1.0/24:80'])
  )
  t.notOk(
    ask([]) || ask(['other.lan']) || ask(['nas.lan:81']) || ask(['192.168.2.0/24']) || ask(['10.0.0.0/8']) ||
      ask(['lan'])
  )
  const open = { allow: [], allow_private: true }
  t.equal(refusal({ host: 'a', port: '80', address: '192.168.1.5', allowed: open }), null)
  for (const address of ['127.0.0.1', '169.254.169.254', '169.254.1.1', '0.0.0.0', '::ffff:127.0.0.1', '224.0.0.1']) {
    t.type(refusal({ host: 'a', port: '80', address, allowed: open }), 'string', address)
  }
  t.equal(refusal({ host: '::1', port: '80', address: '::1', allowed: { allow: ['[::1]:80'], allow_private: false } }),
    null)
})

tap.test('the local machine is not requested in any notation [S28]', async t => {
  let requests = 0
  const { port } = await webServer(t, (_request, response) => {
    requests++
    response.end()
  })
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '0', '127.1', '0x7f.1', '2130706433', '017700000001',
    '[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '127.0.0.1.', '①27.0.0.1']) {
    await t.rejects(fetchSafely({ url: `http://${host}:${port}/`, allowed: NOTHING, signal }), {
      name: 'RequestRefused'
    }, host)
  }
  t.equal(requests, 0)
})

tap.test('only http and https URLs without a password are requested [S28, S29]', async t => {
  for (const url of ['file:///etc/passwd', 'ftp://example.com/', 'data:text/plain,x', 'http://user:secret@example.com/',
    'nonsense', '']) {
    t.throws(() => urlOf(url), { name: 'RequestRefused' }, url)
  }
})

tap.test('a name is resolved once, and the connection goes to the address that was checked [S28]', async t => {
  const { port } = await webServer(t, (request, response) => response.end(request.headers.host))
  const answers = [['127.0.0.1'], ['8.8.8.8']]
  const resolve = async () => answers.shift()!
  const { body } = await fetchSafely({
    url: `http://name.test:${port}/`,
    allowed: { allow: [`name.test:${port}`], allow_private: false },
    signal,
    resolve
  })
  t.match(await readBody(body, 100), { text: `name.test:${port}` })
  t.equal(answers.length, 1)
})

tap.test('a name with one forbidden address is not requested', async t => {
  await t.rejects(
    fetchSafely({ url: 'http://name.test/', allowed: NOTHING, signal, resolve: async () => ['8.8.8.8', '127.0.0.1'] }),
    { name: 'RequestRefused', message: /name\.test is 127\.0\.0\.1, a loopback address/ }
  )
})

tap.test('each redirect is checked, and at most three are followed [S28]', async t => {
  const { url, allow, port } = await webServer(t, (request, response) => {
    const [, kind, count] = request.url!.split('/')
    const left = Number(count)
    const to = kind === 'loop'
      ? (left > 0 ? `/loop/${left - 1}` : '')
      : ({ local: `http://[::1]:${port}/`, file: 'file:///etc/passwd', meta: 'http://169.254.169.254/' })[kind!] ?? ''
    if (to === '') return response.end('there')
    return response.writeHead(302, { location: to }).end()
  })
  const get = (path: string) => fetchSafely({ url: url + path, allowed: { allow, allow_private: true }, signal })
  const { body, redirects } = await get('/loop/3')
  t.strictSame([redirects, (await readBody(body, 100)).text], [3, 'there'])
  for (const path of ['/loop/4', '/local', '/file', '/meta']) {
    await t.rejects(get(path), { name: 'RequestRefused' }, path)
  }
})

tap.test('headers are not sent to another host', async t => {
  const seen: (string | undefined)[] = []
  const other = await webServer(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.end()
  })
  const first = await webServer(t, (request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(307, { location: request.url === '/' ? '/again' : other.url }).end()
  })
  const { body } = await fetchSafely({
    url: first.url,
    headers: { authorization: 'Bearer x' },
    allowed: { allow: [...first.allow, ...other.allow], allow_private: false },
    signal
  })
  body.destroy()
  t.strictSame(seen, ['Bearer x', 'Bearer x', undefined])
})

tap.test('a body is read up to the limit', async t => {
  const { url, allow } = await webServer(t, (_request, response) => {
    response.on('error', () => {})
    const write = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.on('drain', write)
    write()
  })
  const { body } = await fetchSafely({ url, allowed: { allow, allow_private: false }, signal })
  t.match(await readBody(body, 1_000_000), { cut: true, text: /^x{1000000}$/ })
})

const CHILD = `
const { fetchSafely, readBody } = await import(process.argv[1])
const url = process.argv[2]
const allowed = { allow: [new URL(url).host], allow_private: false }
  const { body } = await fetchSafely({ url, allowed, signal: new AbortController().signal })
console.log((await readBody(body, 100)).text)`

tap.test('proxies in the environment are ignored', async t => {
  const { url } = await webServer(t, (_request, response) => response.end('direct'))
  const proxy = await webServer(t, (_request, response) => response.end('by proxy'))
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url, http_proxy: proxy.url }
  const web = new URL('../../backgroundtask/_net/web.ts', import.meta.url).href
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', CHILD, web, url], {
    env
  })
  t.equal(stdout.trim(), 'direct')
})

tap.test('a stop ends a request while the name is being resolved', async t => {
  const stop = new AbortController()
  const request = fetchSafely({
    url: 'http://name.test/',
    allowed: NOTHING,
    signal: stop.signal,
    resolve: () => new Promise(() => {})
  })
  stop.abort(new Error('stopped'))
  await t.rejects(request, { message: 'stopped' })
})
