import t from 'tap'
import { closeSync, constants, existsSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { execFileSync, spawn } from '../child.ts'
import { join, resolve } from 'node:path'
import { once } from 'node:events'
import type { Test } from 'tap'
import { CALM } from '../calm.ts'
import { scratch } from '../work/harness.ts'
import { until } from '../clock.ts'

const BIN = resolve(import.meta.dirname, '../../bin/offpeak.js')

/** Starts and stops a server whose standard output is this handle; returns its exit code and signal. */
async function serving (test: Test, root: string, handle: number) {
  writeFileSync(join(root, 'config.json'), '{}')
  const child = spawn(process.execPath, [BIN, 'start', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', handle, 'pipe'],
    env: { PATH: process.env.PATH, HOME: root, ...CALM }
  })
  test.teardown(() => {
    child.kill('SIGKILL')
  })
  let output = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const exit = once(child, 'exit')
  await until('it answers', () => /answers at http/.test(output) || child.exitCode !== null)
  test.equal((await fetch(`${/answers at (http:\S+)/.exec(output)?.[1] ?? ''}/readyz`)).status, 200)
  child.kill('SIGTERM')
  return await exit
}

t.test('a server starts and stops although the disk of its log is full [F46]', {
  skip: !existsSync('/dev/full') && 'no /dev/full',
  timeout: 240_000
}, async t => {
  const handle = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(handle))
  t.same(await serving(t, scratch(t), handle), [0, null])
})

t.test('a server starts and stops although the reader of its log is gone', {
  skip: process.platform === 'win32' && 'needs mkfifo',
  timeout: 240_000
}, async t => {
  const root = scratch(t)
  execFileSync('mkfifo', [join(root, 'pipe')])
  const both = openSync(join(root, 'pipe'), 'r+')
  const handle = openSync(join(root, 'pipe'), 'w')
  closeSync(both)
  t.teardown(() => closeSync(handle))
  t.same(await serving(t, root, handle), [0, null])
})

t.test('a server starts and stops although the pipe of its log is full', {
  skip: process.platform === 'win32' && 'needs mkfifo',
  timeout: 240_000
}, async t => {
  const root = scratch(t)
  execFileSync('mkfifo', [join(root, 'pipe')])
  const reader = openSync(join(root, 'pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
  const handle = openSync(join(root, 'pipe'), constants.O_WRONLY | constants.O_NONBLOCK)
  t.teardown(() => [reader, handle].forEach(one => closeSync(one)))
  t.throws(() => {
    for (;;) writeSync(handle, 'x'.repeat(4096))
  }, { code: 'EAGAIN' })
  t.same(await serving(t, root, handle), [0, null])
})
