import { readFile, stat } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { BUILT_IN_FOLDER, builtInFile } from '../../load/task/directories.ts'
import { fileName } from '../../model/task/built-in.ts'
import type { NewFile } from './write-missing.ts'

/** The sources of the built-in tasks: of a clone, or those that the package carries beside its compiled code. */
const SOURCES = extname(import.meta.filename) === '.ts' ? BUILT_IN_FOLDER : resolve(BUILT_IN_FOLDER, '../source')
/** Text in a source may look like an import, but does not end its line as one does. */
const IMPORT = /((?:[\w$*}] from|\bimport\() ?')([^'\s]+)(')(?=\s*$|\))/gm
/** What a copy imports from offpeak instead. */
const CORE = /^(?:(?:\.\.\/)+core\/index\.ts|typebox)$/
const EXECUTABLE = 0o111

const namesIn = (text: string): string[] => [...text.matchAll(IMPORT)].map(([, , name]) => name!)

/** The packages that a copy imports, which offpeak does not bring. */
export const packagesOf = (files: readonly NewFile[]): string[] => {
  const names = new Set(files.flatMap(({ path, text }) => path.endsWith('.ts') ? namesIn(text) : []))
  return [...names].filter(name => !/^(?:\.|node:|offpeak$)/.test(name)).toSorted()
}

/** The helpers of a task go to a folder of its own, so that copies of several tasks share nothing. */
const placed = (name: string, id: string): string => name.startsWith('_') ? `_${id}/${name}` : name

/** The text of a copy: its imports where they are now, and its settings below `tasks`. */
function rewritten (name: string, text: string, id: string): string {
  const isTask = !name.startsWith('_')
  return text.replaceAll(IMPORT,
    (_, before: string, from: string, after: string) =>
      `${before}${CORE.test(from) ? 'offpeak' : isTask ? from.replace(/^\.\/_/, `./_${id}/_`) : from}${after}`)
    .replace(/^const SECTION = 'builtin'$/m, "const SECTION = 'tasks'")
}

/** Reads the source of a built-in task with the helpers that it imports, as it is to be written below a tasks
 *  directory. The task itself is the last file. */
export async function copyOf (id: string): Promise<NewFile[]> {
  const task = fileName(builtInFile(id).path).replace(/\.js$/, '.ts')
  const texts = new Map<string, string>()
  const queue = [task]
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (texts.has(name)) continue
    const text = await readFile(join(SOURCES, name), 'utf8')
    texts.set(name, text)
    for (const from of name.endsWith('.ts') ? namesIn(text) : []) {
      if (from.startsWith('.') && !CORE.test(from)) queue.push(join(dirname(name), from))
    }
  }
  const { mode } = await stat(join(SOURCES, task))
  // A running server reads the task as soon as it is there.
  const names = [...[...texts.keys()].filter(name => name !== task).toSorted(), task]
  return names.map(name => ({
    path: placed(name, id),
    text: rewritten(name, texts.get(name)!, id),
    executable: name === task && (mode & EXECUTABLE) !== 0
  }))
}
