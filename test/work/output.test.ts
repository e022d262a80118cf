import t from 'tap'
import { ProgressTracker } from '../../core/work/context/progress.ts'
import { fakeClock } from '../clock.ts'
import { outputReader } from '../../core/work/isolate/script-output.ts'
import type { TaskLog } from '../../core/model/task/context.ts'

const setup = (level: 'info' | 'warn' = 'info') => {
  const logged: string[] = []
  const keep = (line: unknown) => void logged.push(String(line))
  const log: TaskLog = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, fatal: keep }
  const progress = new ProgressTracker(fakeClock())
  return { logged, progress, reader: outputReader({ log, progress }, level) }
}

t.test('lines are joined from chunks, and the last one needs no line break', t => {
  const { reader, logged } = setup()
  reader.write('one\ntw')
  reader.write('o\r\nthree')
  t.strictSame(logged, ['one', 'two'])
  t.equal(reader.end().last, 'three')
  t.strictSame(logged, ['one', 'two', 'three'])
  t.end()
})

t.test('42% and ::progress set the progress and are not logged', t => {
  const { reader, logged, progress } = setup()
  reader.write('42%\n')
  t.match(progress.read(), { percentage: 42 })
  reader.write('::progress 61.5 file 3 of 9\n')
  t.match(progress.read(), { percentage: 61.5, message: 'file 3 of 9' })
  reader.write('::progress 250\n')
  t.match(progress.read(), { percentage: 100 })
  t.strictSame(logged, [])
  t.end()
})

t.test('::result sets the result, and one that is not JSON is logged as a line', t => {
  const { reader, logged } = setup()
  reader.write('::result {"files":3}\n::result {oops\n')
  t.strictSame(reader.end().result, { files: 3 })
  t.strictSame(logged, ['::result {oops'])
  t.end()
})

t.test('the error stream sets neither progress nor result', t => {
  const { reader, logged, progress } = setup('warn')
  reader.write('50%\n::result {"a":1}\n')
  t.equal(reader.end().result, null)
  t.match(progress.read(), { percentage: null })
  t.equal(logged.length, 2)
  t.end()
})

t.test('a line without a line break is cut [F29]', t => {
  const { reader, logged } = setup()
  for (let count = 0; count < 10; count++) reader.write('x'.repeat(20_000))
  t.ok(logged.length >= 2, 'it is cut')
  t.end()
})

t.test('a ::result line may hold the longest result, and one that is not kept says why', t => {
  const long = setup()
  const text = JSON.stringify('x'.repeat(200_000))
  for (let at = 0; at < text.length; at += 60_000) {
    long.reader.write((at === 0 ? '::result ' : '') + text.slice(at, at + 60_000))
  }
  t.strictSame([long.reader.end(), long.logged], [{ result: 'x'.repeat(200_000), last: '', unkept: null }, []])
  const longer = setup()
  longer.reader.write(`::result ${JSON.stringify('x'.repeat(300_000))}\n`)
  t.match(longer.reader.end(), { result: 'x'.repeat(300_000) }, 'a complete line is checked when it is stored')
  const endless = setup()
  for (let chunk = 0; chunk < 8; chunk++) {
    endless.reader.write(`${chunk === 0 ? '::result "' : ''}${'x'.repeat(60_000)}`)
  }
  t.match(endless.reader.end(), {
    result: null,
    unkept: 'its result was not kept: it is more than 262144 bytes of JSON'
  })
  const wrong = setup()
  wrong.reader.write('::result {oops\n')
  t.match(wrong.reader.end(), { result: null, unkept: /^its result was not kept: it is not JSON: / })
  wrong.reader.write('::result 1\n')
  t.match(wrong.reader.end(), { result: 1, unkept: null }, 'the last result counts')
  t.end()
})
