import t from 'tap'
import { ProgressTracker } from '../../core/work/context/progress.ts'
import { fakeClock } from '../clock.ts'
import { outputReader } from '../../core/work/isolate/output.ts'
import type { TaskLog } from '../../core/model/task/context.ts'

const setup = (level: 'info' | 'warn' = 'info') => {
  const logged: string[] = []
  const keep = (line: unknown) => void logged.push(String(line))
  const log: TaskLog = { trace: keep, debug: keep, info: keep, warn: keep, error: keep, fatal: keep }
  const progress = new ProgressTracker(fakeClock())
  return { logged, progress, reader: outputReader({ log, progress }, level) }
}

t.test('lines are put together from chunks, and the last one needs no end', t => {
  const { reader, logged } = setup()
  reader.write('one\ntw')
  reader.write('o\r\nthree')
  t.strictSame(logged, ['one', 'two'])
  t.equal(reader.end().last, 'three')
  t.strictSame(logged, ['one', 'two', 'three'])
  t.end()
})

t.test('42% and ::progress move the progress and are not logged', t => {
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

t.test('::result is the result; one that is no JSON is a line like any other', t => {
  const { reader, logged } = setup()
  reader.write('::result {"files":3}\n::result {oops\n')
  t.strictSame(reader.end().result, { files: 3 })
  t.strictSame(logged, ['::result {oops'])
  t.end()
})

t.test('what comes on the error stream commands nothing', t => {
  const { reader, logged, progress } = setup('warn')
  reader.write('50%\n::result {"a":1}\n')
  t.equal(reader.end().result, null)
  t.match(progress.read(), { percentage: null })
  t.equal(logged.length, 2)
  t.end()
})

t.test('a line without an end does not grow for ever', t => {
  const { reader, logged } = setup()
  for (let count = 0; count < 10; count++) reader.write('x'.repeat(20_000))
  t.ok(logged.length >= 2, 'it was cut')
  t.end()
})
