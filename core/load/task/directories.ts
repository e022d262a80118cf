import { extname, join, normalize, resolve } from 'node:path'
import type { Config } from '../../model/config/config.ts'
import { builtInSource, fileName, isBuiltIn, isBuiltInId } from '../../model/task/built-in.ts'

/** A folder of task files, absolute. `name`: what the paths of its files begin with; `.` when it is the only one. */
export interface TaskDirectory {
  path: string
  name: string
}

/** The folder of the built-in tasks. */
export const BUILT_IN_FOLDER = resolve(import.meta.dirname, '../../../backgroundtask')
const SCRIPTS: Readonly<Record<string, string>> = { disk_report: '.sh' }

/** The file of a built-in task, and the source that its task has. */
export function builtInFile (id: string): { path: string, file: string } {
  const name = id + (SCRIPTS[id] ?? extname(import.meta.filename))
  return { path: builtInSource(name), file: join(BUILT_IN_FOLDER, name) }
}

/** The built-in tasks that the configuration names. */
export const builtInsOf = ({ builtin }: Pick<Config, 'builtin'>): string[] => Object.keys(builtin).filter(isBuiltInId)

/** The folders of task files, each once. */
export function directoriesOf ({ manager }: Pick<Config, 'manager'>, root: string): TaskDirectory[] {
  const names = manager.tasks_directories ?? [manager.tasks_directory]
  const paths = new Map(names.map(name => [resolve(root, name), normalize(name).replace(/(?<=.)\/$/, '')]))
  return [...paths].map(([path, name]) => ({ path, name: paths.size === 1 ? '.' : name }))
}

/** The file of a source. */
export function fileOfSource (source: string, directories: readonly TaskDirectory[]): string {
  if (isBuiltIn(source)) return join(BUILT_IN_FOLDER, fileName(source))
  const found = directories.find(({ name }) => source.startsWith(`${name}/`)) ?? directories[0]!
  return join(found.path, found.name === '.' ? source : source.slice(found.name.length + 1))
}
