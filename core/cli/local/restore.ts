import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Json } from '../../model/json/json.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { TaskManager } from '../../manager.ts'
import { EXIT_CODES } from '../terminal/exit-codes.ts'
import { homeOptions } from './home.ts'
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

const LISTS = '`offpeak restore` lists the backups of backup_data; a file of `offpeak backup` ends with .tar.gz.'

const isPath = (archive: string) => /[/\\]/.test(archive)

/** The path of an archive. Throws OFFPEAK_USAGE_INVALID when no file is there. */
function pathOf (archive: string, folder: string): string {
  if (isPath(archive)) {
    const path = resolve(archive)
    if (existsSync(path)) return path
    throw usageInvalid(`There is no file ${path}`, LISTS)
  }
  if (isExpandable(folder)) return join(folder, archive)
  const path = resolve(folder, archive)
  if (existsSync(path)) return path
  throw usageInvalid(existsSync(archive) ? `${archive} is not a backup` : `There is no backup ${archive} in ${folder}`,
    LISTS)
}

function payloadOf (archive: string | undefined, folder: string, { into, only, replace }: RestoreOptions) {
  if (archive === undefined) return { from: folder }
  const path = pathOf(archive, folder)
  if (into === undefined) {
    throw usageInvalid(`restore needs a folder to restore ${archive} into`,
      `Name one with --into: offpeak restore ${archive} --into restored`)
  }
  return { archive: path, into: resolve(into), ...only && { only }, ...replace && { existing: 'replace' } }
}

/** Prints that there is nothing to list. */
function printNone (folder: string, given: RestoreOptions): void {
  if (given.json) return printJson({ kind: 'completed', result: { backups: [] } })
  print(plain(`There are no backups of backup_data in ${folder}${existsSync(folder) ? '' : ', which does not exist'}.`))
  print('What `offpeak backup` has written is restored by its name, such as: offpeak restore monday.tar.gz')
}

/** Restores a file of `offpeak backup`. For other backups it executes the task `restore_backup`, even when it is off,
 *  which lists them or restores one. */
export async function restore (archive: string | undefined, given: RestoreOptions): Promise<void> {
  if (archive !== undefined && isDataBackup(archive)) return await restoreData(archive, given)
  await withTasks({ ...homeOptions(given), config: { builtin: { [RESTORES]: {} } } }, async manager => {
    const task = manager.desk.definition(RESTORES)
    const folder = folderOf(manager, given.from)
    if (archive === undefined && given.from === undefined && !isExpandable(folder) && !existsSync(folder)) {
      return printNone(folder, given)
    }
    const outcome = await runOnce(task, payloadOf(archive, folder, given), manager)
    process.exitCode = outcome.kind === 'postponed' ? 1 : EXIT_CODES[outcome.kind]!
    if (given.json) return printJson(outcome)
    if (outcome.kind !== 'completed') return print(`nothing was restored${plain(wordsOf(outcome))}`)
    if (archive !== undefined) return print(`restored ${JSON.stringify(outcome.result)}${plain(wordsOf(outcome))}`)
    const { backups } = outcome.result as unknown as { backups: Listed[] }
    if (backups.length === 0) return printNone(folder, given)
    print(table(['BACKUP', 'MADE', 'SIZE'], backups.map(({ file, created_at: made, size }) => [file, made, size])))
  })
}
