import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, formatted, sources } from './form.ts'

t.test('every file has the form that `npm run format` gives it', async t => {
  const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
  const wrong = sources().filter(file => formatted(file, read(file)) !== read(file))
  t.ok(sources().length > 500, 'all of them are read')
  t.strictSame(wrong, [], 'run `npm run format`')
})

t.test('comments are filled to 120 columns, strings and code are left whole', async t => {
  const long = `${'word '.repeat(30)}end`
  const text = formatted('a.ts', `/** ${long} */\nexport const a = 1\n// ${long}\nexport const b = '${long}'\n`)
  t.strictSame(text.split('\n').map(line => line.slice(0, 8)), [
    '/** word',
    ' *  word',
    'export c',
    '// word ',
    '// word ',
    'export c',
    "  'word ",
    ''
  ])
  t.equal(formatted('a.ts', text), text, 'what was formatted stays as it is')
})
