import { access, constants, lstat, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { startRefused } from '../../model/errors/config-errors.ts'
import { userName } from '../remote/find-server.ts'

const WHY: Record<string, string> = {
  EACCES: 'its permissions do not allow it',
  EPERM: 'its permissions do not allow it',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its disk is full',
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is not a folder',
  EIO: 'its disk fails',
  ELOOP: 'it is a link that leads to no folder'
}

/** Why a folder cannot be used, by the code of the system. */
export const whyNot = (code: string): string => WHY[code] ?? code

/** What makes a data folder writable. */
export function dataFolderFix (code: string, { user, folder }: { user: string, folder: string }): string {
  const other = 'name another with engine.folder in config.json or with --data'
  if (code === 'ENOENT') return `Run: mkdir -p ${folder}`
  if (code === 'ENOTDIR' || code === 'ELOOP') return `Rename or remove what has this name, or ${other}.`
  if (code === 'EROFS') return `Mount it writable, or ${other}.`
  return code === 'ENOSPC'
    ? `Free some of it, or ${other}.`
    : `Run: chown -R ${user} ${folder}, or run offpeak as the user that owns it.`
}

/** The code of the system. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown'

/** Why a folder, or the nearest one above that exists, cannot be written to; null if it can. */
async function unwritable (folder: string): Promise<string | null> {
  try {
    if (!(await stat(folder)).isDirectory()) return 'ENOTDIR'
    return await access(folder, constants.W_OK | constants.X_OK).then(() => null, codeOf)
  } catch (error) {
    const isRoot = dirname(folder) === folder
    if (await lstat(folder).then(stats => stats.isSymbolicLink(), () => false)) return 'ELOOP'
    return codeOf(error) === 'ENOENT' && !isRoot ? await unwritable(dirname(folder)) : codeOf(error)
  }
}

/** Throws OFFPEAK_START_REFUSED when this user cannot write to the data folder, or create it. */
export async function checkDataFolder (folder: string): Promise<void> {
  const code = await unwritable(folder)
  if (code === null) return
  const user = userName()
  throw startRefused({
    message: `${user} cannot write to the data folder ${folder}: ${whyNot(code)}`,
    fix: dataFolderFix(code, { user, folder })
  })
}
