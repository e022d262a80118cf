import { join, resolve } from 'node:path'
import type { Json } from '../../model/json/json.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { TaskManager } from '../../manager.ts'
import { EXIT_CODES } from '../terminal/exit-codes.ts'
import { managerOptions } from '../remote/options.ts'
import { isDataBackup, restoreData } from './restore-data.ts'
import { runOnce, wordsOf } from './test.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { withTasks } from './offline.ts'

export type RestoreOptions = LocalOptions & { from?: string, into?: string, only?: string[], replace?: boolean,
  json?: boolean }

const RESTORES = 'restore_backup'
const BACKS_UP = 'backup_data'

interface Listed {
  file: string
  created_at: string
  size: string
}

/** The folder of the backups: `from`, or the target of the backup task, relative to the folder of the configuration. */
function folderOf ({ catalog, root }: TaskManager, from: string | undefined): string {
  if (from !== undefined) return resolve(from)
  const payload = catalog.tasks.get(BACKS_UP)?.payload as { target?: Json } | null | undefined
  const target = typeof payload?.target === 'string' ? payload.target : 'backups'
  return isExpandable(target) ? target : resolve(root, target)
}

/** True for a path that the task expands, such as `~/backups` or `$HOME/backups`. */
const isExpandable = (path: string) => path.startsWith('~') || path.includes('$')

const isPath = (archive: string) => /[/\\]/.test(archive)

function payloadOf (archive: string | undefined, folder: string, { into, only, replace }: RestoreOptions) {
  if (archive === undefined) return { from: folder }
  if (into === undefined) throw usageInvalid('restore needs a folder to restore into', 'Name one with --into.')
  return {
    archive: isPath(archive)
      ? resolve(archive)
      : isExpandable(folder)
      ? join(folder, archive)
      : resolve(folder, archive),
    into: resolve(into),
    ...only && { only },
    ...replace && { existing: 'replace' }
  }
}

/** Restores a file of `offpeak backup`. For other backups it executes the task `restore_backup`, even when it is off,
 *  which lists them or restores one. */
export async function restore (archive: string | undefined, given: RestoreOptions): Promise<void> {
  if (archive !== undefined && isDataBackup(archive)) return await restoreData(archive, given)
  await withTasks({ ...managerOptions(given), config: { builtin: { [RESTORES]: {} } } }, async manager => {
    const task = manager.desk.definition(RESTORES)
    const folder = folderOf(manager, given.from)
    const outcome = await runOnce(task, payloadOf(archive, folder, given), manager)
    process.exitCode = outcome.kind === 'postponed' ? 1 : EXIT_CODES[outcome.kind]!
    if (given.json) return printJson(outcome)
    if (outcome.kind !== 'completed') return print(`nothing was restored${plain(wordsOf(outcome))}`)
    if (archive !== undefined) return print(`restored ${JSON.stringify(outcome.result)}${plain(wordsOf(outcome))}`)
    const { backups } = outcome.result as unknown as { backups: Listed[] }
    print(
      backups.length === 0
        ? `There are no backups in ${folder}.`
        : table(['BACKUP', 'MADE', 'SIZE'], backups.map(({ file, created_at: made, size }) => [file, made, size]))
    )
  })
}
