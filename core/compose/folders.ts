import { basename, extname, join, resolve } from 'node:path'
import { directoriesOf } from '../load/task/directories.ts'
import type { Settings } from '../work/upkeep/settings.ts'

const CODE = join(import.meta.dirname, '../..')
const PACKAGES = join(CODE, '../..')

/** Where offpeak and its packages are: the folders of a clone, or an installed package, whose code lies in `dist/`,
 *  with those beside it. */
const PROGRAM = extname(import.meta.filename) === '.ts'
  ? ['core', 'plugins', 'bin', 'node_modules', 'backgroundtask'].map(name => join(CODE, name))
  : [join(CODE, '..'), ...basename(PACKAGES) === 'node_modules' ? [PACKAGES] : []]

/** The folders with offpeak's own code, into which its bundled tasks do not write. */
export function ownFolders (
  settings: Pick<Settings, 'root' | 'config'>
): { code: string[], config: string, data: string } {
  const { root, config } = settings
  return {
    code: [...directoriesOf(config, root).map(({ path }) => path), join(root, 'node_modules'), ...PROGRAM],
    config: root,
    data: folderOf(settings)
  }
}

/** The data folder. */
export const folderOf = ({ root, config }: Pick<Settings, 'root' | 'config'>): string =>
  resolve(root, config.engine.folder)
