import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const FILES = globSync('{core,plugins,backgroundtask}/**/*.{ts,mts}', { cwd: ROOT }).toSorted()
const READERS = globSync('{core,plugins,backgroundtask,test,bench,bin,docs,package}/**/*.{ts,mts,js,mjs}', {
  cwd: ROOT
})
/** The entries of package.json, which others import, the members by which plugins and task files are known, and what a
 *  thread of the pool executes. */
const PUBLIC = new RegExp([
  String.raw`^core\/(index|server|simulate\/testkit)\.ts: `,
  String.raw`^backgroundtask\/\w+\.ts: (TASK_DEFINITIONS|default)$`,
  String.raw`^plugins\/[\w-]+\.ts: default$`,
  String.raw`^core\/work\/isolate\/thread\.ts: default$`
].join('|'))

const NAMED = /^(?:import|export)\s+(?:type\s+)?(?:\w+,\s*)?\{([^}]*)\}\s*from\s*'(\.[^']+)'/gm
const DEFAULT = /^import\s+(?:type\s+)?(?!type\b)\w+(?:,[^']*)?\s+from\s*'(\.[^']+)'/gm
/** Imports of everything that a file exports. */
const WHOLE = /^(?:import|export)\s+(?:type\s+)?\*[^'\n]*'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)/gm
const KINDS = ['type', 'interface', 'class', '(?:const )?enum', 'namespace', 'module', 'const', 'let', 'var',
  'function\\*?']
const DECLARED = new RegExp(String.raw`^export (?:declare |abstract |async )*(?:${KINDS.join('|')}) (\w+)`, 'gm')
const TAKEN_APART = /^export (?:const|let|var) (?:\{([^}]*)\}|\[([^\]]*)\])/gm
const LISTED = /^export (?:type )?\{([^}]*)\}/gm

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const partsOf = (list: string) =>
  list.split(',').map(part => part.trim().replace(/^type /, '').split(' as ')).filter(([name]) => name !== '')

function exportsIn (text: string): string[] {
  const declared = [...text.matchAll(DECLARED)].map(([, name]) => name!)
  const listed = [...text.matchAll(LISTED)].flatMap(([, list]) => partsOf(list!).map(parts => parts.at(-1)!))
  const taken = [...text.matchAll(TAKEN_APART)].flatMap(([, members, items]) =>
    partsOf(members ?? items!).map(([name]) => name!.split(':').at(-1)!.trim())
  )
  return [...declared, ...listed, ...taken, ...(/^export default\b/m.test(text) ? ['default'] : [])]
}

/** What a file imports: `file name`, or `file *` for everything. */
function importsOf (file: string): string[] {
  const text = textOf(file)
  const at = (to: string) => relative(ROOT, resolve(ROOT, dirname(file), to))
  const named = [...text.matchAll(NAMED)].flatMap(([, list, to]) =>
    partsOf(list!).map(([name]) => `${at(to!)} ${name}`)
  )
  const main = [...text.matchAll(DEFAULT)].map(([, to]) => `${at(to!)} default`)
  const whole = [...text.matchAll(WHOLE)].map(([, all, later]) => `${at((all ?? later)!)} *`)
  return [...named, ...main, ...whole]
}

t.test('what no other file imports is not exported', t => {
  const used = new Set(READERS.flatMap(importsOf))
  t.ok(used.size > 1000, 'the imports are found')
  const wrong = FILES.filter(file => !used.has(`${file} *`))
    .flatMap(file =>
      exportsIn(textOf(file)).filter(name => !used.has(`${file} ${name}`)).map(name => `${file}: ${name}`)
    )
    .filter(name => !PUBLIC.test(name))
  t.strictSame(wrong, [], 'remove the word export, or the declaration when its own file does not use it either')
  t.end()
})

t.test('an export is found in every form', t => {
  for (
    const code of ['type own = 1', 'interface own {}', 'abstract class own {}', 'const own = 1', 'let own = 1',
      'var own = 1', 'enum own {}', 'const enum own {}', 'declare enum own {}', 'namespace own {}', 'module own {}',
      'async function own () {}', 'function* own () {}', '{ own }', 'type { other as own }', 'const { own } = other',
      'const { other: own } = other', 'const [own] = others', "{ own } from './other.ts'"]
  ) t.strictSame(exportsIn(`export ${code}\n`), ['own'], code)
  for (const code of ['function own () {}', 'class Own {}', '{ own: 1 }', 'own']) {
    t.strictSame(exportsIn(`export default ${code}\n`), ['default'], code)
  }
  t.end()
})
