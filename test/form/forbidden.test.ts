import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FORBIDDEN, FORBIDDEN_NAMES, patternOf } from './forbidden.ts'
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
const isPath = ({ text }: Prose) => /^['"]\.{0,2}\/[^\s]*['"]$/.test(text)

/** The comments and strings of a source that are not paths. */
const readable = (source: string): Prose[] => proseOf(source).filter(piece => !isPath(piece))

/** Where a pattern matches in pieces of prose: the line of each match. */
const linesWith = (pattern: RegExp, prose: readonly Prose[]): number[] =>
  prose.flatMap(({ line, text }) =>
    [...text.matchAll(pattern)].map(({ index }) => line + text.slice(0, index).split('\n').length - 1)
  )

const PROSE = [
  ...sources().filter(file => !OF_ITSELF.includes(file)).map(file => ({
    file,
    prose: readable(read(file))
  })),
  ...PAGES.map(file => ({ file, prose: [{ line: 1, text: read(file) }] }))
]

t.test('no forbidden word returns', async t => {
  t.ok(PROSE.length > 600, 'everything is read')
  for (const forbidden of FORBIDDEN) {
    const pattern = patternOf(forbidden)
    const found = PROSE.flatMap(({ file, prose }) => linesWith(pattern, prose).map(line => `${file}:${line}`))
    t.strictSame(found, [], `not "${forbidden.words}" but ${forbidden.instead} (the list is in ${LIST})`)
  }
})

/** A source without its comments and strings. */
const codeOf = (source: string): string =>
  proseOf(source).reduce((code, { text }) => text === '' ? code : code.replace(text, () => ''), source)

t.test('no forbidden name returns', async t => {
  const code = sources().filter(file => !OF_ITSELF.includes(file)).map(file => ({ file, text: codeOf(read(file)) }))
  for (const { words, instead } of FORBIDDEN_NAMES) {
    const pattern = new RegExp(`\\b${words}\\b`)
    const found = code.filter(({ text }) => pattern.test(text)).map(({ file }) => file)
    t.strictSame(found, [], `not "${words}" but ${instead} (the list is in ${LIST})`)
  }
  t.match(codeOf("const a = told // 'said'"), /\btold\b/)
  t.notMatch(codeOf("const a = told // 'said'"), /said/)
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

t.test('words are found in comments of every kind and in strings, at each place, but not in paths', async t => {
  const pattern = patternOf({ words: 'hears', instead: '' })
  const source = [
    "import { a } from './hears/a.ts'",
    '// it hears',
    '/** One hears,',
    ' *  and another hears. */',
    "const b = ['it hears', '/hears/b', `hears ${a}`]",
    'const hears = /hears/ // and hears'
  ].join('\n')
  t.strictSame(linesWith(pattern, readable(source)), [2, 3, 4, 5, 5, 6])
  const words = patternOf({ words: 'without a word', instead: '' })
  t.strictSame(linesWith(words, [{ line: 1, text: 'A page waits\nwithout a\nword.' }]), [2], 'over lines of a page')
})
