import { join, resolve } from 'node:path'
import type { Settings } from '../work/upkeep/settings.ts'

/** The folders with offpeak's own code, into which its bundled tasks do not write. */
export function ownFolders (
  settings: Pick<Settings, 'root' | 'config'>
): { code: string[], config: string, data: string } {
  const { root, config } = settings
  const program = ['..', '../../plugins', '../../bin', '../../node_modules', '../../backgroundtask'].map(folder =>
    join(import.meta.dirname, folder)
  )
  return {
    code: [resolve(root, config.manager.tasks_directory), join(root, 'node_modules'), ...program],
    config: root,
    data: folderOf(settings)
  }
}

/** The data folder. */
export const folderOf = ({ root, config }: Pick<Settings, 'root' | 'config'>): string =>
  resolve(root, config.engine.folder)
