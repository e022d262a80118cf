import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const FILES = globSync('{core,plugins,backgroundtask}/**/*.{ts,mts}', { cwd: ROOT }).toSorted()
const READERS = globSync('{core,plugins,backgroundtask,test,bench,bin,docs,package}/**/*.{ts,mts,js,mjs}', {
  cwd: ROOT
})
/** The entries of package.json, which others import, and the members by which task files are known. */
const PUBLIC = /^core\/(index|server|simulate\/testkit)\.ts: |^backgroundtask\/\w+\.ts: TASK_DEFINITIONS$/

const NAMED = /^(?:import|export)\s+(?:type\s+)?(?:\w+,\s*)?\{([^}]*)\}\s*from\s*'(\.[^']+)'/gm
/** Imports of everything that a file exports. */
const WHOLE = /^(?:import|export)\s+(?:type\s+)?\*[^'\n]*'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)/gm
const DECLARED = /^export (?:abstract |async )*(?:type|interface|class|const|let|function\*?) (\w+)/gm
const LISTED = /^export (?:type )?\{([^}]*)\}/gm

const textOf = (file: string) => readFileSync(join(ROOT, file), 'utf8')
const partsOf = (list: string) =>
  list.split(',').map(part => part.trim().replace(/^type /, '').split(' as ')).filter(([name]) => name !== '')

function exportsOf (file: string): string[] {
  const text = textOf(file)
  const declared = [...text.matchAll(DECLARED)].map(([, name]) => name!)
  const listed = [...text.matchAll(LISTED)].flatMap(([, list]) => partsOf(list!).map(parts => parts.at(-1)!))
  return [...declared, ...listed]
}

/** What a file imports: `file name`, or `file *` for everything. */
function importsOf (file: string): string[] {
  const text = textOf(file)
  const at = (to: string) => relative(ROOT, resolve(ROOT, dirname(file), to))
  const named = [...text.matchAll(NAMED)].flatMap(([, list, to]) =>
    partsOf(list!).map(([name]) => `${at(to!)} ${name}`)
  )
  const whole = [...text.matchAll(WHOLE)].map(([, all, later]) => `${at((all ?? later)!)} *`)
  return [...named, ...whole]
}

t.test('what no other file imports is not exported', t => {
  const used = new Set(READERS.flatMap(importsOf))
  t.ok(used.size > 1000, 'the imports are found')
  const wrong = FILES.filter(file => !used.has(`${file} *`))
    .flatMap(file => exportsOf(file).filter(name => !used.has(`${file} ${name}`)).map(name => `${file}: ${name}`))
    .filter(name => !PUBLIC.test(name))
  t.strictSame(wrong, [], 'remove the word export, or the declaration when its own file does not use it either')
  t.end()
})
