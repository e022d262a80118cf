import { existsSync, rmSync } from 'node:fs'
import { copyFile, cp, link, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { copyDatabase } from '../../engine/sqlite/file/copy-database.ts'
import { copyFaultIn } from '../../model/errors/file-errors.ts'
import { isAlive } from '../remote/find-server.ts'
import { loadConfig } from '../../load/config/config.ts'
import { homeOptions } from './home.ts'
import { print, printJson } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { writeBackup } from '../archive/backup-file.ts'
import type { LocalOptions } from '../remote/options.ts'

export type BackupOptions = LocalOptions & { json?: boolean }

const DATABASE = 'offpeak.db'
const ARCHIVE = /\.(?:tar\.gz|tgz)$/
/** Names of other formats, under which nobody expects a folder. */
const OTHER_FORMAT = /(?:\.(?:tar|zip|gz|zst|xz|bz2|7z|db|sqlite))+$/
/** Files of a running server, and what it makes again. */
const LEFT_OUT =
  /^(?:offpeak\.db|lock\.|server\.json|loop\.json|imports\.json|importing\.json|ended\.json|ballast|corrupt-|\.doctor-)/

/** The data folder of a configuration. */
export async function dataFolder (given: LocalOptions): Promise<string> {
  const { configFile, environment, env } = homeOptions(given)
  const { config } = await loadConfig({ file: configFile!, environment, env: env ?? process.env })
  return resolve(dirname(configFile!), config.engine.folder)
}

/** The data folder, if it has a database and the target lies outside of it. */
async function sourceOf (to: string, given: LocalOptions): Promise<string> {
  const folder = await dataFolder(given)
  if (!existsSync(join(folder, DATABASE))) {
    throw usageInvalid(`There is no database in ${folder}`, 'Name the data folder with --data.')
  }
  if (existsSync(to)) throw usageInvalid(`${to} exists already`, 'Name a file or folder that does not exist yet.')
  if (OTHER_FORMAT.test(to) && !ARCHIVE.test(to)) {
    throw usageInvalid(`${basename(to)} is neither a folder nor an archive that backup can write`,
      `Name a file that ends with .tar.gz, such as ${basename(to).replace(OTHER_FORMAT, '')}.tar.gz, or a folder.`)
  }
  if (!to.startsWith(`${folder}${sep}`)) return folder
  throw usageInvalid(`${to} is in the data folder`, 'Name a path outside of it.')
}

/** Copies what a data folder keeps into a new folder, also while a server uses it. */
export async function copyInto (part: string, folder: string): Promise<void> {
  await mkdir(part, { mode: 0o700 })
  await copyDatabase(join(folder, DATABASE), join(part, DATABASE))
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (LEFT_OUT.test(entry.name)) continue
    const [source, copy] = [join(folder, entry.name), join(part, entry.name)]
    if (entry.isDirectory()) await cp(source, copy, { recursive: true, preserveTimestamps: true })
    else if (entry.isFile()) await copyFile(source, copy)
  }
}

const SIGNALS = [['SIGINT', 130], ['SIGTERM', 143]] as const
const PART = /^\..*\.(\d+)\.part(?:\.tar\.gz)?$/

/** Removes what killed processes have left of the same target. */
export async function removeLeft (to: string): Promise<void> {
  const begun = (name: string) => name.startsWith(`.${basename(to)}.`) && PART.test(name)
  const left = (await readdir(dirname(to))).filter(begun).filter(name => !isAlive(Number(PART.exec(name)![1])))
  for (const name of left) await rm(join(dirname(to), name), { recursive: true, force: true })
}

/** Gives a complete file its name, unless there is one of that name. */
async function nameFile (from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw usageInvalid(`${to} exists already`, 'Name a file that does not exist yet.')
    // A file system without hard links.
    await rename(from, to)
  })
  await rm(from, { force: true })
}

/** Removes these when Ctrl-C or TERM ends the command. Returns a function that ends this. */
export function removeOnSignal (paths: readonly string[]): () => void {
  const leaves = SIGNALS.map(([signal, code]) => {
    const end = () => {
      // A file that is just being created in a folder makes its removal fail once.
      for (const path of paths) rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
      process.exit(code)
    }
    process.once(signal, end)
    return () => process.removeListener(signal, end)
  })
  return () => leaves.forEach(leave => leave())
}

/** Copies the data folder into a new folder or a file that `restore` reads, also while a server uses it. The database
 *  is copied as of one instant; the copy appears under its name when it is complete. */
export async function backupData (target: string, { json, ...given }: BackupOptions): Promise<void> {
  const to = resolve(target)
  const folder = await sourceOf(to, given)
  const part = join(dirname(to), `.${basename(to)}.${process.pid}.part`)
  const isFile = ARCHIVE.test(to)
  const leave = removeOnSignal([part, `${part}.tar.gz`])
  try {
    await mkdir(dirname(to), { recursive: true })
    await removeLeft(to)
    await copyInto(part, folder)
    if (isFile) {
      await writeBackup(part, `${part}.tar.gz`, Date.now())
      await nameFile(`${part}.tar.gz`, to)
    } else {
      await rename(part, to)
    }
  } catch (error) {
    throw copyFaultIn(to, error)
  } finally {
    leave()
    for (const left of [part, `${part}.tar.gz`]) await rm(left, { recursive: true, force: true })
  }
  if (json) return printJson({ ...isFile ? { file: to } : { folder: to }, from: folder })
  const use = isFile
    ? `Restore it: offpeak restore ${target}`
    : `Start with it: offpeak start --data ${target}, or restore it: offpeak restore ${target}`
  print(`${relative('.', folder)} is copied to ${target}. ${use}`)
}
