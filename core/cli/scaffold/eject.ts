import { existsSync, readFileSync } from 'node:fs'
import { link, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { counted } from '../../model/json/text.ts'
import { nearest } from '../../model/base/nearest.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'
import { overlay } from '../../model/config/config.ts'
import { BUILT_IN_IDS, isBuiltInId } from '../../model/task/built-in.ts'
import type { TaskManager } from '../../manager.ts'
import type { LocalOptions } from '../remote/options.ts'
import { homeOnly } from '../local/home.ts'
import { plain, print, printJson } from '../terminal/output.ts'
import { withTasks } from '../local/offline.ts'
import { programName } from './product.ts'
import { copyOf, packagesOf } from './sources.ts'
import { writeMissing } from './write-missing.ts'
import type { NewFile } from './write-missing.ts'

export type EjectOptions = LocalOptions & { json?: boolean }

/** Throws OFFPEAK_USAGE_INVALID unless the id is that of a built-in task that no file of the user defines. */
function checkId (id: string, { catalog }: TaskManager): void {
  if (!isBuiltInId(id)) {
    const near = nearest(id, BUILT_IN_IDS)
    throw usageInvalid(`There is no built-in task '${id.slice(0, 80)}'`,
      near === null ? `The built-in tasks are ${BUILT_IN_IDS.join(', ')}.` : `Did you mean '${near}'?`)
  }
  if (!catalog.isBuiltIn(id)) {
    throw usageInvalid(`The task '${id}' is yours already, in ${catalog.tasks.get(id)!.source}`, 'Edit that file.')
  }
}

/** Moves the settings of a task from `builtin` to `tasks`, where those of the copy are: true when it had some. */
async function moveSettings (id: string, { settings }: TaskManager): Promise<boolean> {
  const { builtin, tasks } = settings.config
  if (settings.placeOf(`/builtin/${id}`)?.file !== settings.file) return false
  const value = overlay(overlay({ enabled: true }, tasks[id]), builtin[id])
  await settings.edit([{ path: ['builtin', id], value: undefined }, { path: ['tasks', id], value }])
  return true
}

/** Keeps the copy of a task off that was off: what its source says would start it. */
async function keepOff (id: string, { settings, catalog }: TaskManager): Promise<void> {
  const isOff = catalog.tasks.get(id)?.enabled !== true && settings.config.tasks[id]?.enabled === undefined
  if (isOff) await settings.edit([{ path: ['tasks', id, 'enabled'], value: false }])
}

interface Ejected {
  id: string
  file: string
  files: string[]
  /** Its settings are below `tasks` now. */
  moved: boolean
  /** The file of settings that are still below `builtin`: an overlay. */
  left: string | null
  /** The task was on, and stays so. */
  on: boolean
  /** Packages to install, unless they are. */
  packages: string[]
}

const taken = (path: string) =>
  usageInvalid(`${path} exists already: nothing was copied`, 'Rename or remove it, then repeat the command.')

/** True for a file that is there with another text: that of a command that was killed is the same. */
const isOther = ({ path, text }: NewFile): boolean => existsSync(path) && readFileSync(path, 'utf8') !== text

/** The copy appears last, and under its name when its helpers and settings are there: until then the built-in task
 *  stays as it is, and the command can be repeated. */
async function write (id: string, manager: TaskManager): Promise<Ejected> {
  checkId(id, manager)
  const files = (await copyOf(id)).map(file => ({ ...file, path: join(manager.catalog.directory, file.path) }))
  const [main, ...helpers] = files.toReversed()
  if (existsSync(main!.path)) throw taken(main!.path)
  const other = helpers.find(isOther)
  if (other !== undefined) throw taken(other.path)
  const draft = join(dirname(main!.path), `.${basename(main!.path)}`)
  await rm(draft, { force: true })
  for (const file of [...helpers.toReversed(), { ...main!, path: draft }]) {
    if (!await writeMissing(file) && isOther(file)) throw taken(file.path)
  }
  const { catalog, settings } = manager
  // A command that was killed may have moved the settings already.
  const on = catalog.tasks.get(id)?.enabled === true || settings.config.tasks[id]?.enabled === true
  const left = settings.placeOf(`/builtin/${id}`)?.file ?? null
  const moved = await moveSettings(id, manager)
  if (!moved) await keepOff(id, manager)
  await link(draft, main!.path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw taken(main!.path)
    await rename(draft, main!.path)
  })
  await rm(draft, { force: true })
  return {
    id,
    file: main!.path,
    files: files.map(({ path }) => path),
    moved,
    left: moved ? null : left,
    on,
    packages: packagesOf(files)
  }
}

const here = (path: string) => plain(relative(process.cwd(), path))

function say ({ id, file, files, moved, left, on, packages }: Ejected): void {
  const helpers = `${counted(files.length - 1, 'helper')} in ${here(join(dirname(file), `_${id}`))}`
  print(`Written: ${here(file)}${files.length > 1 ? `, and ${helpers}` : ''}`)
  print('The copy takes the place of the built-in task; upgrades do not change it.')
  print(moved
    ? `Its settings in config.json have moved from builtin.${id} to tasks.${id}.`
    : left === null
    ? `Its settings are those below tasks.${id} in config.json.`
    : `Its settings in ${here(left)} are below builtin.${id}, where they have no effect now: move them to tasks.${id}.`)
  print('Next:')
  if (packages.length > 0) print(`  npm install ${packages.join(' ')}`)
  print(`  ${programName()} test ${here(file)}`)
  if (!on) print(`  ${programName()} enable ${id}`)
}

/** Copies the source of a built-in task into the first tasks directory. Throws OFFPEAK_USAGE_INVALID when there is no
 *  such task, or when a file of the copy exists. */
export async function eject (id: string, { json, ...given }: EjectOptions): Promise<void> {
  const ejected = await withTasks(homeOnly(given), manager => write(id, manager))
  if (json) return printJson(ejected)
  say(ejected)
}
