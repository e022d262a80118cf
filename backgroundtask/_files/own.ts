import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Stats } from 'node:fs'
import type { TaskContext } from '../../core/index.ts'
import { PathRefused, openFolder } from './root.ts'
import type { Folder } from './folder.ts'
import { codeOf } from '../_task/settings.ts'

/** The folders that make offpeak what it is: `code` is executed, `config` holds config.json, `data` the runs and the
 *  token. */
interface OwnFolders {
  code: string[]
  config: string
  data: string
}

interface Lender {
  folders(): OwnFolders | Promise<OwnFolders>
}

type Identity = Pick<Stats, 'dev' | 'ino'>
type Kind = 'code' | 'config' | 'data'

const WHAT: Record<Kind, string> = {
  code: 'the folder of task files, of plugins or of other code',
  config: 'the folder of config.json',
  data: 'the data folder'
}
/** What may stand beside config.json and in the data folder, when a task writes one file there. */
const OF_CONFIG = /^(?:config\b.*|package(?:-lock)?\.json|tsconfig.*|\..*|.*\.(?:[cm]?[jt]sx?|sh|py|service|env))$/i
const OF_DATA = /^(?:website_status\.json|.*\.log(?:\.\d+)?(?:\.zst)?)$/i

/** Without a lender: where this file lies, and where offpeak works. */
const here = (): OwnFolders => ({
  code: [resolve(import.meta.dirname, '..')],
  config: process.cwd(),
  data: resolve('data')
})

const isLender = (service: unknown): service is Lender =>
  typeof (service as Partial<Lender> | null | undefined)?.folders === 'function'

/** The folders of the offpeak that runs the task. */
export async function ownOf ({ services }: Pick<TaskContext, 'services'>): Promise<OwnFolders> {
  const { offpeak } = services
  const own = here()
  if (!isLender(offpeak)) return own
  const { code, config, data } = await offpeak.folders()
  return { code: [...own.code, ...code], config, data }
}

/** The folders of a path from itself to the root, as the system tells one from another: names, links and mounts do not
 *  matter. What is not there yet lies in its first parent that is. */
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
    `'${path}' is refused: it is, holds or lies in ${
      WHAT[kind]
    }, where no task of offpeak's own writes, whatever config.json says`
  )
}

/** Refuses a folder to write in: one that is, or holds, a folder of offpeak's own, or lies in one whose code is
 *  executed. */
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

/** Opens a folder in which a task of offpeak's own writes what it wants; throws PathRefused for those of offpeak itself
 *  and those above them. */
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

/** Throws PathRefused for a folder that a task of offpeak's own must not write in, before it is made. */
export const checkToWrite = async (ctx: Pick<TaskContext, 'services'>, path: string): Promise<void> =>
  refuseFolder(await ownOf(ctx), path)

/** Throws PathRefused for one file that a task of offpeak's own must not write. Beside config.json and in the data
 *  folder files may lie that are none of offpeak's. */
export async function checkFileToWrite (ctx: Pick<TaskContext, 'services'>, path: string): Promise<void> {
  const own = await ownOf(ctx)
  const full = resolve(path)
  const folder = dirname(full)
  const isThere = await lstat(folder).then(() => true, () => false)
  const [{ line }, config, data] = await Promise.all([lineOf(folder), lineOf(own.config), lineOf(own.data)])
  // A file above a folder replaces no part of it: only what lies beside it counts.
  const name = basename(full)
  if (isThere && config.there && same(line[0], config.line[0]) && OF_CONFIG.test(name)) refuse(path, 'config')
  if (isThere && data.there && same(line[0], data.line[0]) && !OF_DATA.test(name)) refuse(path, 'data')
  for (const code of own.code) {
    const its = await lineOf(code)
    if (its.there && line.some(one => same(one, its.line[0]))) refuse(path, 'code')
  }
  await refuseFolderAt(own, join(folder, name))
}

/** A file that takes the name of a folder of offpeak's own. */
async function refuseFolderAt (own: OwnFolders, path: string): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (found?.isDirectory()) await refuseFolder(own, path)
}
