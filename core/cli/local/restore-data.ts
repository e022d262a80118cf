import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { OffpeakError } from '../../model/errors/errors.ts'
import { checkDatabase } from '../../engine/sqlite/file/copy-database.ts'
import { copyFaultIn } from '../../model/errors/file-errors.ts'
import { copyInto, dataFolder, removeLeft, removeOnSignal } from './backup-data.ts'
import { listeningAt } from '../remote/find-server.ts'
import { plain, print, printJson, printNote } from '../terminal/output.ts'
import { readBackup } from '../archive/backup-file.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import type { LocalOptions } from '../remote/options.ts'

type RestoreDataOptions = LocalOptions & { into?: string, only?: string[], replace?: boolean, json?: boolean }

const DATABASE = 'offpeak.db'

/** True for the name of a file that `offpeak backup` writes, and for a folder that it has written. */
export const isDataBackup = (archive: string): boolean =>
  /\.(?:tar\.gz|tgz)$/.test(archive) || existsSync(join(archive, DATABASE))

/** What is restored, and where from. */
interface Source {
  archive: string
  folder: string
}

/** Throws unless the folder does not exist, or is empty. */
async function checkFree ({ archive, folder }: Source): Promise<void> {
  if (!existsSync(folder)) return
  const names = await readdir(folder).catch(() => {
    throw usageInvalid(`${folder} is not a folder`, 'Name another one with --into.')
  })
  if (names.length === 0) return await rmdir(folder)
  const shown = relative('.', folder) || folder
  const server = await listeningAt(folder)
  throw usageInvalid(`${folder} is not empty${server === null ? '' : `, and the server ${server.pid} uses it`}`,
    `${server === null ? 'Move it away' : 'Stop the server, then move the folder away'}: ` +
      `mv ${shown} ${shown}.old && offpeak restore ${archive}; or restore into another folder with --into.`)
}

/** Reads a backup, which is a file or a folder, into a new folder. */
async function readInto (
  part: string,
  archive: string
): Promise<{ files: number, made_at: string, isListed: boolean }> {
  const from = resolve(archive)
  const made = await stat(from)
  if (made.isDirectory()) {
    await copyInto(part, from)
    const all = await readdir(part, { recursive: true, withFileTypes: true })
    const { mtimeMs } = await stat(join(from, DATABASE))
    return {
      files: all.filter(entry => entry.isFile()).length,
      made_at: new Date(mtimeMs).toISOString(),
      isListed: true
    }
  }
  await mkdir(part, { mode: 0o700 })
  const { members, ...read } = await readBackup(from, part)
  return { ...read, isListed: members !== undefined }
}

const notInParts = () =>
  usageInvalid('--only and --replace go with the backups of backup_data',
    'A backup of the data folder is restored whole, into a new folder.')

/** Writes every file of a folder to the disk: a power cut must not leave a folder that only looks restored. */
async function syncAll (folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const { parentPath, name } of entries.filter(entry => entry.isFile())) {
    const handle = await open(join(parentPath, name), 'r+')
    await handle.sync().finally(() => handle.close())
  }
}

/** Restores a file or folder that `offpeak backup` has written into a new data folder, which appears when it is
 *  complete. */
export async function restoreData (
  archive: string,
  { into, only, replace, json, ...given }: RestoreDataOptions
): Promise<void> {
  if (only !== undefined || replace) throw notInParts()
  if (!existsSync(archive)) throw usageInvalid(`There is no file ${archive}`)
  const own = await dataFolder(given)
  const to = into === undefined ? own : resolve(into)
  await checkFree({ archive, folder: to })
  const part = join(dirname(to), `.${basename(to)}.${process.pid}.part`)
  const leave = removeOnSignal([part])
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 })
    await removeLeft(to)
    const { files, made_at: madeAt, isListed } = await readInto(part, archive).catch((error: unknown) => {
      if (error instanceof OffpeakError) throw error
      throw usageInvalid(`${archive} cannot be restored: ${(error as Error).message}`,
        'Name a file that `offpeak backup` has written.')
    })
    checkDatabase(join(part, DATABASE))
    await syncAll(part)
    await rename(part, to)
    if (!isListed) {
      printNote(
        `offpeak: ${plain(archive)} is of an earlier version and has no list of its files: only the database is ` +
          'checked'
      )
    }
    if (json) return printJson({ folder: to, files, made_at: madeAt })
    const start = to === own ? 'offpeak start' : `offpeak start --data ${into}`
    print(plain(`${files} files of ${madeAt} are restored to ${relative('.', to) || '.'}. Start with them: ${start}`))
  } catch (error) {
    throw copyFaultIn(to, error)
  } finally {
    leave()
    await rm(part, { recursive: true, force: true })
  }
}
