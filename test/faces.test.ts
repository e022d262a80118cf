import t from 'tap'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Signatures, emit } from './signatures.ts'

const ROOT = resolve(import.meta.dirname, '..')
const FROM_INDEX = /\bimport (?:type )?\{([^}]*)\} from '(?:offpeak|(?:\.\.?\/)+core\/index\.ts)'/g
/** A call that a page shows, such as `statistics(engine, …)`. */
const SHOWN = /`(?:const \w+ = )?(?:await )?(\w+)\(/g

const namesIn = (list: string) => list.split(',').map(part => part.trim().replace(/^type /, '').split(' as ')[0]!)

/** The names that plugins, tasks, tests, benchmarks and pages import from core/index.ts, and the calls that pages
 *  show. */
function usedNames (): string[] {
  const texts = (pattern: string) =>
    globSync(pattern, { cwd: ROOT }).filter(file => !file.includes('node_modules')).map(file =>
      readFileSync(join(ROOT, file), 'utf8')
    )
  const imported = texts('{core,plugins,backgroundtask,test,bench,docs}/**/*.{ts,md}').concat(texts('README.md'))
    .flatMap(text => [...text.matchAll(FROM_INDEX)].flatMap(([, list]) => namesIn(list!)))
  const shown = texts('docs/how-to/*.md').flatMap(text => [...text.matchAll(SHOWN)].map(([, name]) => name!))
  return [...imported, ...shown]
}

t.test('core/index.ts exports what is used outside the core, and the types that it names', t => {
  const folder = mkdtempSync(join(tmpdir(), 'signatures-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  emit(folder)
  const signatures = new Signatures(folder)
  t.ok(signatures.exported.size > 100, 'its exports are found')
  t.strictSame(signatures.missing(), [],
    'each type in a public signature is exported: add it, or mark the member @internal')
  t.strictSame(signatures.unused(usedNames()), [], 'each export is used by a plugin, a task, a page or a test')
  t.end()
})
