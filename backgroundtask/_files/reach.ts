import { lstat, mkdir, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { TaskContext } from '../../core/index.ts'
import { Folder } from './folder.ts'
import { fsPathOf, nameFrom, shown } from './names.ts'
import { PathRefused } from './root.ts'
import { codeOf } from '../_task/settings.ts'

type Run = Pick<TaskContext, 'reach'>

/** `setting`: the setting with the path. `name`: the name of the file, when the path is that of a file. */
interface Reached {
  setting: string
  name?: string
}

const holds = (outer: string, inner: string) =>
  inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)

const rootsOf = ({ reach }: Run, { setting }: Reached) => reach[`/payload/${setting}`]

/** Throws PathRefused for a folder outside the configured ones. Checks the open folder, because a link may have been
 *  created since the path was checked. */
async function check (run: Run, reached: Reached, folder: Folder): Promise<void> {
  const roots = rootsOf(run, reached)
  if (roots === undefined) return
  const place = await folder.place()
  const path = reached.name === undefined ? place : join(place, reached.name)
  if (!roots.some(root => holds(root, path))) {
    throw new PathRefused(`'${shown(path)}' is refused: it is outside the configured folder`)
  }
}

/** Opens the folder of a setting. Throws PathRefused when it is outside the configured one. */
export async function openWithin (run: Run, reached: Reached, open: () => Promise<Folder>): Promise<Folder> {
  const folder = await open()
  try {
    await check(run, reached, folder)
    return folder
  } catch (error) {
    await folder.close()
    throw error
  }
}

interface Making {
  setting: string
  path: string
  mode: number
  deep?: boolean
}

/** Creates the folder of a setting, with `deep` also its parents. If the run is limited, the parent must be in a
 *  configured folder. Returns true when it was created. Throws ENOENT when a parent is missing. */
export async function makeWithin (run: Run, { path, ...making }: Making): Promise<boolean> {
  const { setting, mode, deep = false } = making
  try {
    if (rootsOf(run, { setting }) === undefined) {
      return await mkdir(path, { mode, recursive: deep }).then(made => !deep || made !== undefined)
    }
    return await makeBounded(run, { path: resolve(path), ...making })
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

async function makeBounded (run: Run, { setting, path, mode, deep = false }: Making): Promise<boolean> {
  if (await lstat(fsPathOf(path)).then(() => true, () => false)) return false
  const up = dirname(path)
  if (deep && up !== path) await makeBounded(run, { setting, path: up, mode, deep })
  const parent = await openWithin(run, { setting, name: basename(path) },
    async () => Folder.open(nameFrom(await realpath(fsPathOf(up), 'buffer'))))
  try {
    await parent.make(basename(path), mode)
    return true
  } finally {
    await parent.close()
  }
}
