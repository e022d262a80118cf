import { appendFileSync, existsSync, linkSync, mkdirSync, openSync, readFileSync, readdirSync, statSync, symlinkSync,
  writeFileSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import tap from 'tap'
import type { Test } from 'tap'
import { TASK_DEFINITIONS } from '../../backgroundtask/rotate_logs.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'

const run = async (ctx: TaskContext) => TASK_DEFINITIONS[0]!.func(ctx)
const unpacked = (path: string) => zstdDecompressSync(readFileSync(path)).toString()

function setup (t: Test, payload: object = {}) {
  const dir = t.testdir()
  const log = join(dir, 'app.log')
  writeFileSync(log, 'first\n', { mode: 0o640 })
  return { dir, log, ...fakeContext('rotate_logs', { files: [log], max_size: '3', ...payload }) }
}

tap.test('a log that is too large is copied and emptied, and its writer can keep it open', async t => {
  const { log, ctx } = setup(t)
  const writer = openSync(log, 'a')
  t.match(await run(ctx), { rotated: [log], failed: [] })
  writeSync(writer, 'second\n')
  closeSync(writer)
  t.equal(unpacked(`${log}.1.zst`), 'first\n')
  t.equal(readFileSync(log, 'utf8'), 'second\n')
  t.equal(statSync(`${log}.1.zst`).mode & 0o777, 0o600)
})

tap.test('older logs get the next number, and those above keep are removed', async t => {
  const { dir, log, ctx } = setup(t, { keep: 2 })
  for (const text of ['second\n', 'third\n', 'fourth\n']) {
    await run(ctx)
    writeFileSync(log, text)
  }
  t.strictSame(readdirSync(dir).toSorted(), ['app.log', 'app.log.1.zst', 'app.log.2.zst'])
  t.strictSame([unpacked(`${log}.1.zst`), unpacked(`${log}.2.zst`)], ['third\n', 'second\n'])
})

tap.test('a pattern that begins with ! is refused', async t => {
  const { log, ctx } = setup(t, { files: ['!app.log'] })
  t.match(await run(ctx), { message: /'?!app.log'?: a pattern cannot exclude/ })
  t.equal(readFileSync(log, 'utf8'), 'first\n')
})

tap.test('a log that is small enough is not rotated', async t => {
  const { dir, ctx } = setup(t, { max_size: '6' })
  t.match(await run(ctx), { rotated: [], small: 1 })
  t.strictSame(readdirSync(dir), ['app.log'])
})

tap.test('lines written while the log is copied are not lost', async t => {
  const { log, ctx } = setup(t)
  let lines = 0
  const write = () => appendFileSync(log, `line ${++lines}\n`)
  for (let turn = 0; turn < 5; turn++) {
    const writing = { on: true }
    const append = () => {
      if (!writing.on) return
      write()
      setImmediate(append)
    }
    writeFileSync(log, '')
    lines = 0
    for (let line = 0; line < 2000; line++) write()
    append()
    await run(ctx)
    writing.on = false
    const all = unpacked(`${log}.1.zst`) + readFileSync(log, 'utf8')
    t.strictSame(all.trimEnd().split('\n'), Array.from({ length: lines }, (_, line) => `line ${line + 1}`))
    t.ok(lines > 2000)
  }
})

tap.test('with rename, a log is compressed at the next rotation', async t => {
  const { dir, log, ctx } = setup(t, { method: 'rename' })
  const writer = openSync(log, 'a')
  await run(ctx)
  writeSync(writer, 'late\n')
  closeSync(writer)
  t.equal(readFileSync(`${log}.1`, 'utf8'), 'first\nlate\n')
  t.strictSame([readFileSync(log, 'utf8'), statSync(log).mode & 0o777], ['', 0o640])
  writeFileSync(log, 'second\n')
  await run(ctx)
  t.strictSame(readdirSync(dir).toSorted(), ['app.log', 'app.log.1', 'app.log.2.zst'])
  t.equal(unpacked(`${log}.2.zst`), 'first\nlate\n')
})

tap.test('without compression the copies are plain', async t => {
  const { log, ctx } = setup(t, { compress: false })
  await run(ctx)
  t.equal(readFileSync(`${log}.1`, 'utf8'), 'first\n')
})

tap.test('a glob matches logs, but not rotated ones', async t => {
  const { dir, ctx } = setup(t)
  mkdirSync(join(dir, 'web'))
  writeFileSync(join(dir, 'web', 'access.log'), 'request\n')
  writeFileSync(join(dir, 'web', 'notes.txt'), 'notes\n')
  const payload = { files: [join(dir, '**/*.log*')], max_size: '3' }
  await run({ ...ctx, payload })
  t.match(await run({ ...ctx, payload }), { rotated: [], small: 2 })
  t.strictSame(readdirSync(join(dir, 'web')).toSorted(), ['access.log', 'access.log.1.zst', 'notes.txt'])
})

tap.test('links, hard links and folders are refused, and their targets are not changed', async t => {
  for (const method of ['copy_truncate', 'rename']) {
    const { dir, log, ctx } = setup(t, { method })
    const precious = join(dir, 'precious')
    writeFileSync(precious, 'precious')
    symlinkSync(precious, join(dir, 'link.log'))
    linkSync(precious, join(dir, 'hard.log'))
    mkdirSync(join(dir, 'folder.log'))
    symlinkSync(dir, join(dir, 'dirlink'))
    const files = ['link.log', 'hard.log', 'folder.log', 'dirlink/app.log'].map(name => join(dir, name))
    t.match(await run({ ...ctx, payload: { ...ctx.payload as object, files } }), {
      message: /^4 logs were not rotated/,
      result: { rotated: [] }
    })
    t.strictSame([readFileSync(precious, 'utf8'), readFileSync(log, 'utf8')], ['precious', 'first\n'])
  }
})

tap.test('links with the names of the copies are not followed [S26]', async t => {
  const { dir, log, ctx } = setup(t)
  const precious = join(dir, 'precious')
  writeFileSync(precious, 'precious')
  symlinkSync(precious, join(dir, `.app.log.rotate.${process.pid}.part`))
  await run(ctx)
  t.equal(unpacked(`${log}.1.zst`), 'first\n')
  symlinkSync(precious, `${log}.2.zst`)
  writeFileSync(log, 'again\n')
  t.match(await run(ctx), { message: /'app\.log\.2\.zst' is in the way/ })
  t.strictSame([readFileSync(precious, 'utf8'), readFileSync(log, 'utf8')], ['precious', 'again\n'])
})

tap.test('a stop before a log does not change the log', async t => {
  const { dir, ctx, stop } = setup(t)
  stop.abort(new Error('stopped'))
  await t.rejects(run(ctx), { message: 'stopped' })
  t.strictSame(readdirSync(dir), ['app.log'])
})

tap.test('a run without files is skipped; a missing file is only counted', async t => {
  await t.rejects(run(fakeContext('rotate_logs').ctx), {
    name: 'Skip',
    message: /builtin\.rotate_logs\.payload\.files/
  })
  const { log, ctx } = setup(t)
  t.match(await run({ ...ctx, payload: { files: [`${log}.missing`] } }), { missing: 1, failed: [] })
  t.notOk(existsSync(`${log}.missing`))
})
