import t from 'tap'
import { createServer } from 'node:http'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import type { RequestListener } from 'node:http'
import { cli, place, serve } from './setup.ts'

const cwd = place(t, { uploads: { max_bytes: 4 * 2 ** 20 } })
const server = await serve(t, [], { cwd })
const say = async (args: string[], input?: string) => await cli(args, { cwd, ...input !== undefined && { input } })
const bytes = Buffer.alloc(3 * 2 ** 20, 'offpeak')
writeFileSync(join(cwd, 'some file.bin'), bytes)

t.test('a file is sent as it is read', async t => {
  const { code, out } = await say(['upload', 'some file.bin'])
  t.equal(code, 0)
  t.match(out, /\/data\/uploads\/[0-9a-f]{16}-some_file\.bin\n$/)
  t.ok(readFileSync(out.trim()).equals(bytes))
  t.match(JSON.parse((await say(['upload', 'some file.bin', '--name', 'b', '--json'])).out), {
    name: 'b',
    bytes: bytes.length,
    sha256: /^[0-9a-f]{64}$/
  })
  writeFileSync(join(cwd, 'empty'), '')
  t.match(JSON.parse((await say(['upload', 'empty', '--json'])).out), { bytes: 0 })
})

t.test('a task is run with a file from the disk or from a pipe', async t => {
  const ran = JSON.parse(
    (await say(['upload', 'some file.bin', '--task', 'echo', '--payload', '{"a": 1}', '--wait', '--json'])).out
  )
  t.match(ran, { state: 'completed', result: { a: 1, path: /some_file\.bin$/ } })
  t.match(await say(['upload', 'some file.bin', '--task', 'fails', '--wait']), { code: 1, out: /it broke/ })
  const piped = JSON.parse(
    (await say(['upload', '-', '--name', 'note.txt', '--task', 'echo', '--wait', '--json'], 'from a pipe')).out
  )
  t.equal(readFileSync(piped.result.path, 'utf8'), 'from a pipe')
  t.match((await say(['run', 'echo', '--file', 'some file.bin', '--wait'])).out, /some_file\.bin/)
})

t.test('a file that is missing, not a file or too large is refused, and nothing of it is kept', async t => {
  const left = () => readdirSync(join(cwd, 'data/uploads')).length
  const before = left()
  mkdirSync(join(cwd, 'folder'))
  t.match(await say(['upload', 'nowhere']), { code: 2, err: 'offpeak: There is no file nowhere\n' })
  t.match(await say(['upload', 'folder']), { code: 2, err: /is not a file\n.*tar -c/ })
  t.match(await say(['upload', 'some file.bin', '--task', 'nope']), { code: 2, err: /No task has the id 'nope'/ },
    'nothing is sent for it')
  t.match(await say(['upload', 'some file.bin', '--task', 'echo', '--payload', '[1]']), {
    code: 2,
    err: /--payload is not an object/
  })
  writeFileSync(join(cwd, 'large.bin'), Buffer.alloc(40 * 2 ** 20))
  t.match(await say(['upload', 'large.bin']), {
    code: 1,
    err: /^offpeak: A file may have at most 4194304 bytes\n.*uploads\.max_bytes/
  })
  const piece = 'x'.repeat(8 * 2 ** 20)
  t.match(await say(['upload', '-'], piece), { code: 1, err: /at most 4194304 bytes/ },
    'nor when its size is not known in advance')
  t.equal(left(), before)
})

t.test('the command fails when the server has ended', async t => {
  server.child.kill('SIGKILL')
  await server.over
  t.match(await say(['upload', 'some file.bin', '--url', server.url]), {
    code: 1,
    err: /^offpeak: No offpeak answers at /
  })
})

const BREAKING: Record<string, RequestListener> = {
  'a server that breaks off': request => void request.once('data', () => request.socket.destroy()),
  'a server that breaks off once it has everything': request =>
    void request.resume().once('end', () => request.socket.destroy()),
  'a server that hangs up once it has everything': request =>
    void request.resume().once('end', () => request.socket.end())
}

for (const [what, listener] of Object.entries(BREAKING)) {
  t.test(`${what} is reported as unreachable`, async t => {
    const server = createServer(listener)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const cwd = place(t)
    writeFileSync(join(cwd, 'a'), Buffer.alloc(2 ** 20))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    t.match(await cli(['upload', 'a', '--url', url, '--token', 'x'], { cwd }), {
      code: 1,
      err: `offpeak: No offpeak answers at ${url}\n` +
        '  Start it with `offpeak start`, or name another with --url or --data.\n'
    })
  })
}
