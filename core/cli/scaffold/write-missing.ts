import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileNotWritten } from '../../model/errors/file-errors.ts'

/** A file to write. `executable`: by its owner and readers. */
export interface NewFile {
  path: string
  text: string
  executable?: boolean
}

const REASONS: Record<string, { reason: string, fix: string }> = {
  EACCES: { reason: 'its folder may not be written', fix: 'Name a folder that belongs to you.' },
  EPERM: { reason: 'its folder may not be written', fix: 'Name a folder that belongs to you.' },
  EROFS: { reason: 'its file system is read-only', fix: 'Name a folder on another file system.' },
  ENOSPC: { reason: 'the disk is full', fix: 'Free space on the disk, then repeat the command.' },
  EDQUOT: { reason: 'the disk quota is used up', fix: 'Remove files, then repeat the command.' },
  ENOENT: { reason: 'its folder cannot be created', fix: 'Name a folder that belongs to you.' },
  ENOTDIR: { reason: 'a part of its path is a file', fix: 'Name a folder, or a path that does not exist yet.' },
  EEXIST: { reason: 'a file has the name of its folder', fix: 'Name a folder, or a path that does not exist yet.' },
  ENAMETOOLONG: { reason: 'its name is too long', fix: 'Choose a shorter name.' }
}

function refusal (path: string, cause: unknown) {
  const { code = '', message } = cause as NodeJS.ErrnoException
  const { reason, fix } = REASONS[code] ?? { reason: message, fix: 'Name another folder.' }
  return fileNotWritten({ file: path, reason, fix, cause })
}

/** Creates a folder and those above it one by one: in file systems such as /proc a recursive mkdir does not end. */
async function makeFolders (folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (stats?.isDirectory()) return
  if (stats === null && dirname(folder) !== folder) await makeFolders(dirname(folder))
  // A folder that every user can change would not be read.
  await mkdir(folder, { mode: 0o755 })
}

/** Writes a file unless one of that name exists: true when it was written. Creates missing folders. Throws
 *  OFFPEAK_FILE_NOT_WRITTEN. */
export async function writeMissing ({ path, text, executable = false }: NewFile): Promise<boolean> {
  await makeFolders(dirname(path)).catch((cause: unknown) => {
    throw refusal(path, cause)
  })
  try {
    await writeFile(path, text, { flag: 'wx', mode: executable ? 0o755 : 0o644 })
    return true
  } catch (cause) {
    // A full disk leaves the beginning of a file, which would be taken for one of the user.
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') await rm(path, { force: true }).catch(() => undefined)
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw refusal(path, cause)
  }
}
