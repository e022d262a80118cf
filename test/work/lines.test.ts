import t from 'tap'
import { RunLines } from '../../core/work/context/run-log.ts'

const write = (lines: RunLines, count: number) => {
  for (let index = 1; index <= count; index++) lines.write({ at: index, level: 30, text: `line ${index}` })
}
const texts = (lines: { text: string }[]) => lines.map(({ text }) => text)

t.test('each of the first lines is returned once', t => {
  const lines = new RunLines({ head: 3, tail: 2, characters: 100 })
  write(lines, 2)
  t.strictSame(texts(lines.take()), ['line 1', 'line 2'])
  t.strictSame(lines.take(), [])
  t.end()
})

t.test('a long log keeps its first and last lines and says how many were left out', t => {
  const lines = new RunLines({ head: 3, tail: 2, characters: 100 })
  write(lines, 50)
  t.strictSame(texts(lines.end()), ['line 1', 'line 2', 'line 3', '[45 lines left out]', 'line 49', 'line 50'])
  t.strictSame(lines.end(), [], 'the last lines are returned once')
  t.end()
})

t.test('a log without left out lines has no such mark', t => {
  const lines = new RunLines({ head: 3, tail: 2, characters: 100 })
  write(lines, 5)
  t.strictSame(texts(lines.end()), ['line 1', 'line 2', 'line 3', 'line 4', 'line 5'])
  t.end()
})

t.test('a line is bounded, and NUL and lone surrogates do not reach the store [F29, S32]', t => {
  const lines = new RunLines({ head: 3, tail: 2, characters: 10 })
  lines.write({ at: 1, level: 30, text: 'x'.repeat(25) })
  lines.write({ at: 1, level: 30, text: 'a\u0000b\uD800' })
  t.strictSame(texts(lines.take()), [`${'x'.repeat(10)} [15 characters left out]`, 'a\uFFFDb\uFFFD'])
  t.end()
})
