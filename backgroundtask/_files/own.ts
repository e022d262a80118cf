import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Stats } from 'node:fs'
import type { TaskContext } from '../../core/index.ts'
import { PathRefused, openFolder } from './root.ts'
import type { Folder } from './folder.ts'
import { codeOf } from '../_task/settings.ts'

/** The folders of offpeak itself: `code` is executed, `config` contains config.json, `data` the runs and the token. */
interface OwnFolders {
  code: string[]
  config: string
  data: string
}

interface FolderService {
  folders(): OwnFolders | Promise<OwnFolders>
}

type Identity = Pick<Stats, 'dev' | 'ino'>
type Kind = 'code' | 'config' | 'data'

const WHAT: Record<Kind, string> = {
  code: 'the folder of task files, of plugins or of other code',
  config: 'the folder of config.json',
  data: 'the data folder'
}
/** Files beside config.json that a task must not write. */
const OF_CONFIG = /^(?:config\b.*|package(?:-lock)?\.json|tsconfig.*|\..*|.*\.(?:[cm]?[jt]sx?|sh|py|service|env))$/i
/** The only files in the data folder that a task may write. */
const OF_DATA = /^(?:website_status\.json|.*\.log(?:\.\d+)?(?:\.zst)?)$/i

/** The defaults without the service: the folder of this file, and the working directory. */
const here = (): OwnFolders => ({
  code: [resolve(import.meta.dirname, '..')],
  config: process.cwd(),
  data: resolve('data')
})

const hasFolders = (service: unknown): service is FolderService =>
  typeof (service as Partial<FolderService> | null | undefined)?.folders === 'function'

/** The folders of the server that runs the task. */
export async function ownOf ({ services }: Pick<TaskContext, 'services'>): Promise<OwnFolders> {
  const { offpeak } = services
  const own = here()
  if (!hasFolders(offpeak)) return own
  const { code, config, data } = await offpeak.folders()
  return { code: [...own.code, ...code], config, data }
}

/** The identities of a path and of all folders above it, links resolved. A missing path is represented by its first
 *  existing parent. */
async function lineOf (path: string): Promise<{ there: boolean, line: Identity[] }> {
  if (path.includes('\0')) throw new PathRefused(`'${path.replaceAll('\0', '\\0')}' is refused: it is not a path`)
  const full = resolve(path)
  const place = await realpath(full).catch(error => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (place === null) return { there: false, line: (await lineOf(dirname(full))).line }
  const line: Identity[] = []
  for (let at = place;; at = dirname(at)) {
    line.push(await stat(at))
    if (at === dirname(at)) return { there: true, line }
  }
}

const same = (a: Identity | undefined, b: Identity | undefined) =>
  a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino

const refuse = (path: string, kind: Kind): never => {
  throw new PathRefused(
    `'${path}' is refused: it is, contains or is in ${
      WHAT[kind]
    }, where no built-in task writes, regardless of config.json`
  )
}

/** Throws PathRefused for a folder that is or contains a folder of offpeak, or is in a folder of code. */
async function refuseFolder (own: OwnFolders, path: string, except: Kind[] = []): Promise<void> {
  const { there, line } = await lineOf(path)
  const all: [Kind, string][] = [...own.code.map((folder): [Kind, string] => ['code', folder]), ['config', own.config],
    ['data', own.data]]
  for (const [kind, folder] of all) {
    const its = await lineOf(folder)
    if (!its.there) continue
    const isIt = there && same(line[0], its.line[0])
    const isAbove = there && its.line.slice(1).some(one => same(one, line[0]))
    const isIn = kind === 'code' && line.some(one => same(one, its.line[0]))
    if (isAbove || isIn || (isIt && !except.includes(kind))) refuse(path, kind)
  }
}

/** Opens a folder for writing any file. Throws PathRefused for the folders of offpeak and those above them. */
export async function openToWrite (
  ctx: Pick<TaskContext, 'services'>,
  path: string,
  open: (path: string) => Promise<Folder> = openFolder
): Promise<Folder> {
  const folder = await open(path)
  try {
    await refuseFolder(await ownOf(ctx), folder.path)
    return folder
  } catch (error) {
    await folder.close()
    throw error
  }
}

/** Throws PathRefused for a folder that a built-in task must not write to. The folder may not exist yet. */
export const checkToWrite = async (ctx: Pick<TaskContext, 'services'>, path: string): Promise<void> =>
  refuseFolder(await ownOf(ctx), path)

/** Throws PathRefused for a file that a built-in task must not write. Some files beside config.json and in the data
 *  folder are allowed. */
export async function checkFileToWrite (ctx: Pick<TaskContext, 'services'>, path: string): Promise<void> {
  const own = await ownOf(ctx)
  const full = resolve(path)
  const folder = dirname(full)
  const isThere = await lstat(folder).then(() => true, () => false)
  const [{ line }, config, data] = await Promise.all([lineOf(folder), lineOf(own.config), lineOf(own.data)])
  // Only files directly in the folders of config.json and data are checked by name.
  const name = basename(full)
  if (isThere && config.there && same(line[0], config.line[0]) && OF_CONFIG.test(name)) refuse(path, 'config')
  if (isThere && data.there && same(line[0], data.line[0]) && !OF_DATA.test(name)) refuse(path, 'data')
  for (const code of own.code) {
    const its = await lineOf(code)
    if (its.there && line.some(one => same(one, its.line[0]))) refuse(path, 'code')
  }
  await refuseFolderAt(own, join(folder, name))
}

/** Refuses a file with the name of a folder of offpeak. */
async function refuseFolderAt (own: OwnFolders, path: string): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found?.isDirectory()) await refuseFolder(own, path)
}
