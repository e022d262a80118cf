import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { taskFileBroken } from '../../model/errors/task-errors.ts'
import type { OffpeakError } from '../../model/errors/errors.ts'
import { ownAccount, refusedFor } from '../file/exposures.ts'
import { MODULE_BYTES, isModule } from '../file/module-file.ts'

const MOST_FILES = 200
/** The files of offpeak itself are not checked: anyone who can change them needs no task file. */
const OWN = resolve(import.meta.dirname, '../..') + sep
const SPECIFIER = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*(['"])([^'"\n]+)\1/g
/** Constant paths of modules, as used by `createRequire` and workers. */
const MODULE_PATH = /(['"`])((?:\.{1,2}\/|\/|file:)[^'"`\n]*\.(?:[cm]?[jt]s|json|node|wasm))\1/g

/** The names of imports in a source, including comments and strings; additional ones do no harm. */
const specifiers = (source: string): string[] =>
  [SPECIFIER, MODULE_PATH].flatMap(pattern => [...source.matchAll(pattern)].map(([, , name]) => name!))

/** The file, or the folder of the package, of an import; null for modules of Node. */
function targetOf (name: string, folder: string): string | null {
  if (name.startsWith('file:')) return URL.canParse(name) ? fileURLToPath(name) : null
  if (/^(?:\.{1,2}\/|\/)/.test(name)) return resolve(folder, name.replace(/[?#].*$/, ''))
  if (name.startsWith('node:') || name.startsWith('data:') || name.startsWith('#')) return null
  return join('node_modules', ...name.split('/').slice(0, name.startsWith('@') ? 2 : 1))
}

/** The folders in which Node searches for a package. */
function lookups (folder: string, root: string): string[] {
  const above: string[] = []
  for (let at = folder; at.startsWith(root); at = dirname(at)) above.push(at)
  return above
}

/** The package.json in force for a folder. It decides the kind of modules, and names such as #x. */
function packageAbove (folder: string): string[] {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return file.startsWith(OWN) ? [] : [file]
  return dirname(folder) === folder ? [] : packageAbove(dirname(folder))
}

interface ImportsAsk {
  /** The path below the tasks directory, for messages. */
  path: string
  /** The file itself. */
  real: string
  source: string
  /** The tasks directory itself. */
  root: string
}

/** The files that a module imports, directly and indirectly, without those of offpeak itself. */
async function filesOf ({ real, source, root }: ImportsAsk): Promise<string[]> {
  const found = new Set<string>()
  const queue = [{ file: real, text: source }]
  for (let next = queue.shift(); next !== undefined && found.size < MOST_FILES; next = queue.shift()) {
    const folder = dirname(next.file)
    for (const name of specifiers(next.text)) {
      const target = targetOf(name, folder)
      const files = target === null
        ? []
        : target.startsWith('node_modules')
        ? lookups(folder, root).map(above => join(above, target))
        : [target]
      for (const file of files) {
        if (found.has(file) || file.startsWith(OWN)) continue
        found.add(file)
        const text = isModule(file) ? await textOf(file) : null
        if (text !== null) queue.push({ file, text })
      }
    }
  }
  return [...found, ...lookups(dirname(real), root).map(above => join(above, 'package.json')),
    ...packageAbove(dirname(root))]
}

async function textOf (file: string): Promise<string | null> {
  // Reading a pipe would never end.
  const stats = await stat(file).catch(() => null)
  return stats?.isFile() && stats.size <= MODULE_BYTES ? await readFile(file, 'utf8').catch(() => null) : null
}

/** The error that others can change a file that a module imports, or null. */
export async function importsFault (ask: ImportsAsk): Promise<OffpeakError | null> {
  if (ownAccount() === null) return null
  for (const file of await filesOf(ask)) {
    const found = await refusedFor(file)
    if (found !== null) {
      return taskFileBroken({
        file: ask.path,
        message: `${ask.path} is not loaded, because of an import: ${found.message}`,
        fix: found.fix
      })
    }
  }
  return null
}
