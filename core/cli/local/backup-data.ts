import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { copyDatabase } from '../../engine/sqlite/file/copy-database.ts'
import { loadConfig } from '../../load/config/config.ts'
import { managerOptions } from '../remote/options.ts'
import { print, printJson } from '../terminal/output.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import type { LocalOptions } from '../remote/options.ts'

export type BackupOptions = LocalOptions & { json?: boolean }

const DATABASE = 'offpeak.db'
/** Files of a running server, and what it makes again. */
const LEFT_OUT =
  /^(?:offpeak\.db|lock\.|server\.json|loop\.json|imports\.json|importing\.json|ended\.json|ballast|corrupt-|\.doctor-)/

/** The data folder, if it has a database and the target lies outside of it. */
async function sourceOf (to: string, given: LocalOptions): Promise<string> {
  const { configFile, environment, env } = managerOptions(given)
  const { config } = await loadConfig({ file: configFile!, environment, env: env ?? process.env })
  const folder = resolve(dirname(configFile!), config.engine.folder)
  if (!existsSync(join(folder, DATABASE))) {
    throw usageInvalid(`There is no database in ${folder}`, 'Name the data folder with --data.')
  }
  if (existsSync(to)) throw usageInvalid(`${to} exists already`, 'Name a folder that does not exist yet.')
  if (!to.startsWith(`${folder}${sep}`)) return folder
  throw usageInvalid(`${to} is in the data folder`, 'Name a folder outside of it.')
}

async function copyInto (part: string, folder: string): Promise<void> {
  await copyDatabase(join(folder, DATABASE), join(part, DATABASE))
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (LEFT_OUT.test(entry.name)) continue
    const [source, copy] = [join(folder, entry.name), join(part, entry.name)]
    if (entry.isDirectory()) await cp(source, copy, { recursive: true, preserveTimestamps: true })
    else if (entry.isFile()) await copyFile(source, copy)
  }
}

/** Copies the data folder into a new folder, also while a server uses it. The database is copied as of one instant; the
 *  folder appears under its name when it is complete. */
export async function backupData (target: string, { json, ...given }: BackupOptions): Promise<void> {
  const to = resolve(target)
  const folder = await sourceOf(to, given)
  await mkdir(dirname(to), { recursive: true })
  const part = await mkdtemp(join(dirname(to), `.${basename(to)}-`))
  try {
    await copyInto(part, folder)
    await rename(part, to)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
  if (json) return printJson({ folder: to, from: folder })
  print(`${relative('.', folder)} is copied to ${target}. Start with it: offpeak start --data ${target}`)
}
