import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { isUsers } from '../../test/built-in.ts'

/** The folder of the project. */
export const ROOT = resolve(import.meta.dirname, '../..')

/** One import of a file. `to`: the imported file below the root, or the name of a package. */
export interface Import {
  from: string
  to: string
  kind: 'type' | 'value'
}

/** Which room or file imports from which others. */
export type Arrows = ReadonlyMap<string, ReadonlySet<string>>

const IMPORT = /^\s*(?:import|export)\s+(type\s+)?(?:[^'"\n;{]*?(?:\{[^}'";]*\})?\sfrom\s+)?['"]([^'"]+)['"]/gm
/** `import()` and its relatives of a constant path. */
const DYNAMIC =
  /\b(?:import|require|require\.resolve|getBuiltinModule|import\.meta\.resolve)\(\s*(['"`])([^'"`$\n]+)\1/g

/** The files of the product, below the root, in the order of their names. */
export const productFiles = (root = ROOT): string[] =>
  globSync('{core,plugins,backgroundtask}/**/*.{ts,mts,js,mjs}', { cwd: root }).filter(file => !isUsers(file))
    .toSorted()

/** What a text imports, as it is written: also by `import()`, `require()` and the like of a constant path. */
export function importsIn (text: string): Pick<Import, 'to' | 'kind'>[] {
  const found = [...text.matchAll(IMPORT)].map(([, type, to]) => ({
    to: to!,
    kind: type ? 'type' as const : 'value' as const
  }))
  const later = [...text.matchAll(DYNAMIC)].map(([, , to]) => ({ to: to!, kind: 'value' as const }))
  return [...found, ...later]
}

/** What a file imports. A path is given below the root. */
export const importsOf = (file: string, root = ROOT): Import[] =>
  importsIn(readFileSync(join(root, file), 'utf8')).map(({ to, kind }) => ({
    from: file,
    kind,
    to: to.startsWith('.') ? relative(root, resolve(root, dirname(file), to)) : to
  }))

/** The imports of the product's own files. */
export function ownImports (root = ROOT): Import[] {
  const files = productFiles(root)
  const known = new Set(files)
  return files.flatMap(file => importsOf(file, root)).filter(({ to }) => known.has(to))
}

/** The arrows between rooms, each once. `roomOf` names the room of a file. */
export function arrowsBetween (imports: readonly Import[], roomOf: (file: string) => string): Arrows {
  const arrows = new Map<string, Set<string>>()
  for (const { from, to } of imports) {
    const [room, other] = [roomOf(from), roomOf(to)]
    if (room !== other) arrows.set(room, (arrows.get(room) ?? new Set()).add(other))
  }
  return arrows
}

/** The circles among arrows, each as the rooms that it passes, the first one again at its end. */
export function circlesOf (arrows: Arrows): string[][] {
  const done = new Set<string>()
  const circles: string[][] = []
  const visit = (room: string, path: readonly string[]): void => {
    if (path.includes(room)) return void circles.push([...path.slice(path.indexOf(room)), room])
    if (done.has(room)) return
    for (const next of arrows.get(room) ?? []) visit(next, [...path, room])
    done.add(room)
  }
  for (const room of arrows.keys()) visit(room, [])
  return circles
}
