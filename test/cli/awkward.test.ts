import t from 'tap'
import { spawnSync } from '../child.ts'
import { createServer } from 'node:net'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import type { AddressInfo } from 'node:net'
import { scratch } from '../work/harness.ts'
import { served } from '../process/server.ts'
import { taskFile } from '../manager/home.ts'
import { until } from '../clock.ts'

const BIN = resolve(import.meta.dirname, '../../bin/offpeak.js')
const offpeak = (root: string, ...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...words], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: root }
  })
  return { status, stdout, stderr }
}

t.test('a running offpeak is found while its configuration is broken', { timeout: 240_000 }, async t => {
  const { root } = await served(t, { files: { 'hello.ts': taskFile('hello') } })
  writeFileSync(join(root, 'config.json'), '{ "server": { "port": "x" } }')
  t.match(offpeak(root, 'tasks'), { status: 0, stdout: /hello/ })
})

t.test('the list of tasks names the files that are broken', { timeout: 240_000 }, async t => {
  const { root, call } = await served(t, { files: { 'hello.ts': taskFile('hello') } })
  writeFileSync(join(root, 'backgroundtask/bad.ts'), 'export const = 3\n')
  await until('it is known',
    async () => ((await call('GET', '/api/health')).body as { broken: unknown[] }).broken.length === 1)
  t.match(offpeak(root, 'tasks').stdout, /hello[^]*broken: .*bad\.ts/)
})

t.test('a port in use is reported before anything is started', { timeout: 240_000 }, async t => {
  const root = scratch(t)
  writeFileSync(join(root, 'config.json'), '{}')
  const other = createServer().listen(0, '127.0.0.1')
  t.teardown(() => other.close())
  await once(other, 'listening')
  const { status, stderr } = offpeak(root, 'start', '--port', String((other.address() as AddressInfo).port))
  t.equal(status, 1)
  t.match(stderr, /is in use/)
  t.notOk(existsSync(join(root, 'data/offpeak.db')), readdirSync(root).join())
})

t.test('relative paths of tasks are resolved against the folder of the configuration', { timeout: 240_000 },
  async t => {
    const { root, call } = await served(t, { files: { 'where.ts': taskFile('where', 'return process.cwd()') } })
    const { id } = (await call('POST', '/api/tasks/where/runs', {})).body as { id: string }
    await until('it is done',
      async () => ((await call('GET', `/api/runs/${id}`)).body as { state: string }).state === 'completed')
    t.match((await call('GET', `/api/runs/${id}`)).body, { result: root })
  })

const full = { timeout: 240_000, skip: !existsSync('/dev/full') && 'no /dev/full' }

t.test('notes that cannot be written change nothing, output that cannot be written is an error', full, async t => {
  const { root } = await served(t, { files: { 'hello.ts': taskFile('hello') } })
  const shell = (words: string) =>
    spawnSync('sh', ['-c', `exec "${process.execPath}" "${BIN}" ${words}`], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: root }
    })
  t.match(shell('signal place home --ttl 1h 2>/dev/full'), { status: 0, stdout: /^place is home/ })
  t.match(shell('nosuch 2>/dev/full'), { status: 2, stdout: '' })
  t.match(shell('nosuch 2>&-'), { status: 2 })
  t.match(shell('tasks >/dev/full'), { status: 1, stderr: /^offpeak: standard output cannot be written: .*ENOSPC/ })
  t.match(shell('tasks | head -c 1; echo'), { stdout: 'T\n', stderr: '' })
})
