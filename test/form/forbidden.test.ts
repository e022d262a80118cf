import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FORBIDDEN, patternOf } from './forbidden.ts'
import { ROOT, sources } from './form.ts'
import { proseOf } from './prose.ts'
import type { Prose } from './prose.ts'

const LIST = 'test/form/forbidden.ts'
const OF_ITSELF = [LIST, 'test/form/forbidden.test.ts']
// The changelog quotes what words were before.
const PAGES = globSync('{*.md,.github/**/*.md,docs/**/*.md,config.json,config.schema.json,backgroundtask/**/*.sh}', {
  cwd: ROOT
}).filter(file => file !== 'CHANGELOG.md').toSorted()

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const isPath = ({ text }: Prose) => /^.\.{0,2}\//.test(text)
const linesOf = (text: string): Prose[] => text.split('\n').map((line, at) => ({ line: at + 1, text: line }))

const PROSE = [
  ...sources().filter(file => !OF_ITSELF.includes(file)).map(file => ({
    file,
    prose: proseOf(read(file)).filter(piece => !isPath(piece))
  })),
  ...PAGES.map(file => ({ file, prose: linesOf(read(file)) }))
]

t.test('no forbidden word returns', async t => {
  t.ok(PROSE.length > 600, 'everything is read')
  for (const forbidden of FORBIDDEN) {
    const pattern = patternOf(forbidden)
    const found = PROSE.flatMap(({ file, prose }) =>
      prose.flatMap(({ line, text }) => {
        const at = text.search(pattern)
        return at < 0 ? [] : [`${file}:${line + text.slice(0, at).split('\n').length - 1}`]
      })
    )
    t.strictSame(found, [], `not "${forbidden.words}" but ${forbidden.instead} (the list is in ${LIST})`)
  }
})

t.test('comments and strings are separated from code', async t => {
  const source = [
    'const hears = 1 // a comment',
    "const a = 'a string', b = `a ${hears + `${'deep'} in`} template`",
    "const c = /it's/.test(a) || 6 / 2 // that's it",
    '/** Two',
    ' *  lines. */'
  ].join('\n')
  t.strictSame(proseOf(source), [
    { line: 1, text: '// a comment' },
    { line: 2, text: "'a string'" },
    { line: 2, text: 'a ' },
    { line: 2, text: '' },
    { line: 2, text: "'deep'" },
    { line: 2, text: ' in' },
    { line: 2, text: ' template' },
    { line: 3, text: "// that's it" },
    { line: 4, text: '/** Two\n *  lines. */' }
  ])
})

t.test('words are found whole, in any case, over the end of a line', async t => {
  const pattern = patternOf({ words: 'takes that back', instead: '' })
  t.match('Takes that back.', pattern)
  t.match('/** the answer takes\n *  that back */', pattern)
  t.notMatch('mistakes that back', pattern)
  t.match('it hears', patternOf({ words: 'hear*', instead: '' }))
})
