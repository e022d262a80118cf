import t from 'tap'
import { SyntaxLines } from '../../core/load/task/reader.ts'
import { setup, task } from './task-files.ts'

t.test('hundreds of files with syntax errors delay a scan by two seconds, their lines come later [F34]', async t => {
  let now = 0
  let asked = 0
  const find = async () => {
    now += 300
    return ++asked
  }
  const lines = new SyntaxLines({ find, elapsed: () => now })
  const look = async () => {
    lines.begin()
    const found: (number | null)[] = []
    for (let at = 0; at < 20; at++) found.push(await lines.of(`/${at}.mjs`, String(at)))
    return found.filter(line => line !== null).length
  }
  t.same([await look(), await look(), await look()], [7, 14, 20])
  t.equal(asked, 20, 'what is known is not looked for again')
})

t.test('the line of a syntax error is found', async t => {
  const { folder, broken } = setup(t, { 'good.mjs': task('good'), 'bad.mjs': 'export const a = 1\n\nconst = {{{' })
  await folder.start()
  t.match(broken(), [{ file: 'bad.mjs', line: 3 }])
})
