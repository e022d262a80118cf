import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { TASK_DEFINITIONS } from '../../backgroundtask/process_file.ts'
import { fakeContext } from './context.ts'
import { sha } from './data.ts'

const run = async (ctx: ReturnType<typeof fakeContext>['ctx']) => await TASK_DEFINITIONS[0]!.func(ctx)

t.test('a file is counted and hashed, with progress in bytes', async t => {
  const path = join(t.testdir({}), 'big.txt')
  const text = 'a line of text\n'.repeat(100_000)
  writeFileSync(path, text)
  const positions: number[] = []
  const { ctx, recorded } = fakeContext('process_file', { path }, {
    breathe: async () => {
      positions.push(recorded.progress.current)
    }
  })
  t.same(await run(ctx), { path, lines: 100_000, bytes: text.length, sha256: sha(text) })
  t.match(recorded.progress, { current: text.length, total: text.length, unit: 'bytes' })
  t.ok(positions.length > 5 && positions.every((at, index) => index === 0 || at > positions[index - 1]!), 'in pieces')
})

t.test('a last line without a newline counts, and an empty file has no lines', async t => {
  const folder = t.testdir({ open: 'one\ntwo', empty: '', ended: 'one\n' })
  for (const [name, lines] of [['open', 2], ['empty', 0], ['ended', 1]] as const) {
    t.match(await run(fakeContext('process_file', { path: join(folder, name) }).ctx), { lines }, name)
  }
})

t.test('a path that is not a file fails the run with a message', async t => {
  const folder = t.testdir({ file: 'x' })
  symlinkSync(join(folder, 'file'), join(folder, 'link'))
  mkdirSync(join(folder, 'folder'))
  for (const [name, words] of [['link', /is a link/], ['folder', /is not a file/], ['gone', /There is no file/], [
    'gone/too',
    /There is no file/
  ]] as const) {
    await t.rejects(run(fakeContext('process_file', { path: join(folder, name) }).ctx), {
      name: 'Fatal',
      message: words
    }, name)
  }
  await t.rejects(run(fakeContext('process_file', { path: '/no such file' }).ctx), {
    name: 'Fatal',
    message: /There is no file '\/no such file'/
  })
  await t.rejects(run(fakeContext('process_file').ctx), {
    name: 'Skip',
    message: /builtin\.process_file\.payload\.path/
  })
})

t.test('a stop ends the run while it reads', async t => {
  const path = join(t.testdir({ file: 'x'.repeat(1_000_000) }), 'file')
  const { ctx, recorded, stop } = fakeContext('process_file', { path })
  Object.assign(ctx, {
    breathe: async () => {
      if (recorded.progress.current > 0) stop.abort(new Error('stopped'))
      stop.signal.throwIfAborted()
    }
  })
  await t.rejects(run(ctx), { message: 'stopped' })
  t.ok(recorded.progress.current < 1_000_000)
})

t.test('a file that changes while it is read is a warning', async t => {
  const path = join(t.testdir({ file: 'one\n' }), 'file')
  const { ctx } = fakeContext('process_file', { path }, { breathe: async () => writeFileSync(path, 'two\nthree\n') })
  t.match(await run(ctx), { message: /changed while it was read/, result: { lines: 2 } })
})
