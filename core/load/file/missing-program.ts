import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { headOf } from './head.ts'

/** What is started: the words before the file, the file, its folder and its environment. */
interface Program {
  interpreter?: readonly string[] | undefined
  file: string
  cwd: string
  /** Where names without a slash are looked for. */
  path?: string | undefined
}

type Found = 'yes' | 'no' | 'not executable'

/** A folder on the way that may not be read says nothing about a file. */
const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

async function found (file: string): Promise<Found> {
  try {
    if (!(await stat(file)).isFile()) return 'no'
  } catch (error) {
    return isAbsent(error) ? 'no' : 'yes'
  }
  return await access(file, constants.X_OK).then(() => 'yes', () => 'not executable')
}

/** The first file of this name in the PATH that can be executed; null when there is none. */
async function inPath (name: string, path: string): Promise<string | null> {
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = join(folder, name)
    if (await found(file) === 'yes') return file
  }
  return null
}

/** The words of the first line of a script that name its interpreter; empty for another file. */
async function shebangOf (file: string): Promise<string[]> {
  const line = /^#!\s*(\S[^\r\n]*)/.exec(await headOf(file).catch(() => ''))?.[1]
  return line === undefined ? [] : line.trim().split(/\s+/)
}

interface Search {
  words: readonly string[]
  cwd: string
  path: string
  /** The script whose interpreter the words name. */
  of?: string
}

/** `file` null: the name is not in the PATH. */
interface Started {
  name: string
  file: string | null
  of: string | undefined
}

const ENV = /(?:^|\/)env$/

/** What some words start: the program, the one that `env NAME` starts, and the interpreter of a script. Ends with the
 *  first that is not in the PATH. */
async function startedBy ({ words: [name, ...more], cwd, path, of }: Search): Promise<Started[]> {
  if (name === undefined) return []
  const file = name.includes('/') ? resolve(cwd, name) : await inPath(name, path)
  const first = { name, file, of }
  if (file === null) return [first]
  if (ENV.test(name)) {
    const words = more.filter(word => !word.startsWith('-') && !word.includes('='))
    return [first, ...await startedBy({ words, cwd, path, of: of ?? name })]
  }
  return of === undefined
    ? [first, ...await startedBy({ words: await shebangOf(file), cwd, path, of: name })]
    : [first]
}

/** Why the program of some words cannot be started, or null. */
async function missing (search: Search): Promise<string | null> {
  for (const { name, file, of } of await startedBy(search)) {
    const which = of === undefined ? `the program ${name}` : `the interpreter ${name} of ${of}`
    if (file === null) return `${which} is not in the PATH`
    const is = await found(file)
    if (is !== 'yes') return `${which} ${is === 'no' ? 'does not exist' : 'is not executable'}`
  }
  return null
}

/** The files that are started for a script or command: the interpreter or program, what that starts, and the script. */
export async function startedFiles (
  { interpreter = [], file, cwd, path = process.env.PATH ?? '' }: Program
): Promise<string[]> {
  const isDirect = interpreter.length === 0
  const all = await startedBy(isDirect ? { words: [file], cwd, path } : { words: interpreter, cwd, path, of: file })
  return [...all.flatMap(one => one.file ?? []), ...isDirect ? [] : [resolve(cwd, file)]]
}

/** Why the program of a script or command, or its interpreter, cannot be started: `the program rsync2 is not in the
 *  PATH`. Null when both are there, and the folder in which it starts. */
export async function missingProgram (
  { interpreter = [], file, cwd, path = process.env.PATH ?? '' }: Program
): Promise<string | null> {
  const program = interpreter.length === 0
    ? await missing({ words: [file], cwd, path })
    : await missing({ words: interpreter, cwd, path, of: file }) ??
      (await found(resolve(cwd, file)) === 'no' ? `the file ${file} does not exist` : null)
  if (program !== null) return program
  const what = await stat(cwd).then(stats => stats.isDirectory() ? null : 'is not a folder',
    error => isAbsent(error) ? 'does not exist' : null)
  return what === null ? null : `the folder ${cwd}, in which ${file} would start, ${what}`
}
