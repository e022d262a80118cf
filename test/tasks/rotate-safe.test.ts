import { execFileSync } from '../child.ts'
import { appendFileSync, closeSync, constants, existsSync, openSync, readFileSync, readdirSync, statSync, truncateSync,
  writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import tap from 'tap'
import type { Test } from 'tap'
import { emptyAfter } from '../../backgroundtask/_files/rotate.ts'
import { TASK_DEFINITIONS } from '../../backgroundtask/rotate_logs.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import { fakeContext } from './context.ts'

const run = async (ctx: TaskContext) => TASK_DEFINITIONS[0]!.func(ctx)
const unpacked = (path: string) => zstdDecompressSync(readFileSync(path)).toString()

function setup (t: Test, payload: object = {}) {
  const dir = t.testdir()
  const log = join(dir, 'app.log')
  writeFileSync(log, 'first\n')
  return { dir, log, ...fakeContext('rotate_logs', { files: [log], max_size: '3', ...payload }) }
}

tap.test('files with numbers that no rotation gives are not changed', async t => {
  const { dir, ctx } = setup(t, { keep: 1 })
  const others = ['app.log.1001', 'app.log.2024', 'app.log.20240101', 'app.log.2024.zst', 'app.log.01']
  for (const name of others) writeFileSync(join(dir, name), name)
  await run(ctx)
  for (const name of others) t.equal(readFileSync(join(dir, name), 'utf8'), name)
})

tap.test('of two simultaneous rotations of a log one continues, and no line is lost', async t => {
  const { log, ctx } = setup(t, { compress: false })
  const text = Array.from({ length: 200_000 }, (_, line) => `line ${line}\n`).join('')
  writeFileSync(log, text)
  const answers = await Promise.all([run(ctx), run(ctx)]) as { message?: string, rotated?: string[] }[]
  t.same(answers.map(one => one.rotated?.length ?? one.message).toSorted(), [1,
    `1 logs were not rotated: ${log}: another run is rotating it`])
  t.ok(readFileSync(`${log}.1`, 'utf8') + readFileSync(log, 'utf8') === text)
})

tap.test('a log that another process rotates is refused; the file of an ended process is removed', {
  skip: process.platform === 'win32'
}, async t => {
  const { dir, log, ctx } = setup(t)
  const theirs = `.app.log.rotate.${process.ppid}.part`
  writeFileSync(join(dir, theirs), 'half')
  t.match(await run(ctx), { message: new RegExp(`process ${process.ppid} is rotating it`) })
  t.same(readdirSync(dir).toSorted(), [theirs, 'app.log'])
  t.equal(readFileSync(log, 'utf8'), 'first\n')
  const dead = '.app.log.rotate.2147483647.part'
  execFileSync('mv', [join(dir, theirs), join(dir, dead)])
  t.match(await run(ctx), { rotated: [log] })
  t.same(readdirSync(dir).toSorted(), ['app.log', 'app.log.1.zst'])
})

tap.test('a compressed log does not replace the plain one with the same number', async t => {
  const { log, ctx } = setup(t, { method: 'rename' })
  writeFileSync(`${log}.1`, 'plain\n')
  writeFileSync(`${log}.1.zst`, 'of another program')
  await run(ctx)
  t.same([readFileSync(`${log}.2`, 'utf8'), readFileSync(`${log}.2.zst`, 'utf8')], ['plain\n', 'of another program'])
})

tap.test('a renamed log that is still written to is not compressed', async t => {
  const { log, ctx } = setup(t, { method: 'rename' })
  writeFileSync(`${log}.1`, 'x'.repeat(1_000_000))
  const state = { on: true }
  const append = () => {
    if (!state.on) return
    appendFileSync(`${log}.1`, 'more\n')
    setImmediate(append)
  }
  append()
  const answer = await run(ctx)
  state.on = false
  t.match(answer, { message: /'app\.log\.1' is still written to/ })
  t.ok(existsSync(`${log}.1`))
  t.equal(readFileSync(log, 'utf8'), 'first\n')
})

tap.test('a log that was truncated meanwhile is not emptied', async t => {
  const { dir, log } = setup(t)
  truncateSync(log, 2)
  const [fd, out] = [openSync(log, 'r+'), openSync(join(dir, 'out'), 'w')]
  t.throws(() => emptyAfter({ fd }, { at: 6, out: { fd: out }, compress: false }), /Another program truncated the log/)
  t.equal(readFileSync(log, 'utf8'), 'fi')
  closeSync(fd)
  closeSync(out)
})

tap.test('a log is emptied only when all of it was copied', { skip: process.platform !== 'linux' }, async t => {
  const { dir, log } = setup(t)
  writeFileSync(log, 'x'.repeat(300_000))
  // A write to a full pipe is partial, as on a full disk.
  execFileSync('mkfifo', [join(dir, 'pipe')])
  const out = openSync(join(dir, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK)
  const fd = openSync(log, 'r+')
  t.throws(() => emptyAfter({ fd }, { at: 0, out: { fd: out }, compress: false }), { code: 'EAGAIN' })
  t.equal(statSync(log).size, 300_000)
  closeSync(fd)
  closeSync(out)
})

tap.test('lines that were written late are in the compressed log', async t => {
  const { dir, log } = setup(t)
  const [fd, out] = [openSync(log, 'r+'), openSync(join(dir, 'out'), 'w')]
  emptyAfter({ fd }, { at: 0, out: { fd: out }, compress: true })
  closeSync(fd)
  closeSync(out)
  t.same([unpacked(join(dir, 'out')), statSync(log).size], ['first\n', 0])
})
