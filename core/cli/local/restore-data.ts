import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { OffpeakError } from '../../model/errors/errors.ts'
import { checkDatabase } from '../../engine/sqlite/file/copy-database.ts'
import { copyFaultIn } from '../../model/errors/file-errors.ts'
import { dataFolder } from './backup-data.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { readBackup } from '../archive/backup-file.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import type { LocalOptions } from '../remote/options.ts'

type RestoreDataOptions = LocalOptions & { into?: string, only?: string[], replace?: boolean, json?: boolean }

/** True for the name of a file that `offpeak backup` writes. */
export const isDataBackup = (archive: string): boolean => /\.(?:tar\.gz|tgz)$/.test(archive)

/** Throws unless the folder does not exist, or is empty. */
async function checkFree (folder: string): Promise<void> {
  if (!existsSync(folder)) return
  const names = await readdir(folder).catch(() => {
    throw usageInvalid(`${folder} is not a folder`, 'Name another one with --into.')
  })
  if (names.length === 0) return await rmdir(folder)
  throw usageInvalid(`${folder} is not empty`,
    'Stop its server and move it away, or restore into another folder with --into.')
}

/** Restores a file that `offpeak backup` has written into a new data folder, which appears when it is complete. */
export async function restoreData (
  archive: string,
  { into, only, replace, json, ...given }: RestoreDataOptions
): Promise<void> {
  if (only !== undefined || replace) {
    throw usageInvalid('--only and --replace go with the backups of backup_data',
      'A backup of the data folder is restored whole, into a new folder.')
  }
  if (!existsSync(archive)) throw usageInvalid(`There is no file ${archive}`)
  const own = await dataFolder(given)
  const to = into === undefined ? own : resolve(into)
  await checkFree(to)
  const part = join(dirname(to), `.${basename(to)}.${process.pid}.part`)
  try {
    await mkdir(part, { recursive: true, mode: 0o700 })
    const { files, made_at: madeAt } = await readBackup(resolve(archive), part).catch((error: unknown) => {
      if (error instanceof OffpeakError) throw error
      throw usageInvalid(`${archive} cannot be restored: ${(error as Error).message}`,
        'Name a file that `offpeak backup` has written.')
    })
    checkDatabase(join(part, 'offpeak.db'))
    await rename(part, to)
    if (json) return printJson({ folder: to, files, made_at: madeAt })
    const start = to === own ? 'offpeak start' : `offpeak start --data ${into}`
    print(plain(`${files} files of ${madeAt} are restored to ${relative('.', to) || '.'}. Start with them: ${start}`))
  } catch (error) {
    throw copyFaultIn(to, error)
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}
