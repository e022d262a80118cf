import { codeOf } from '../serve/data-folder.ts'
import { access, constants, readdir, readFile, statfs } from 'node:fs/promises'
import { existsSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { PermissionFacts, TaskFacts, WatchFacts } from './facts.ts'
import type { TaskManager } from '../../manager.ts'
import { foundIn } from '../local/validate.ts'
import { tryWrite } from './gather-machine.ts'
import { userName } from '../remote/find-server.ts'

const letters = (name: string) => name.toLowerCase().replaceAll(/[^a-z]/g, '').replace(/s$/, '')
const USUAL = ['backgroundtask', 'task', 'job', 'cron', 'script']

/** Folders beside the tasks directory that have a similar or a usual name, and files. */
async function siblingsOf (directory: string): Promise<string[]> {
  const parent = dirname(directory)
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
  const alike = entries.filter(entry =>
    entry.isDirectory() && entry.name !== basename(directory) &&
    [letters(basename(directory)), ...USUAL].includes(letters(entry.name))
  ).map(({ name }) => join(parent, name))
  const filled = await Promise.all(alike.map(async folder => (await readdir(folder).catch(() => [])).length > 0))
  return alike.filter((_, index) => filled[index])
}

/** The tasks of a manager whose catalog is started. */
export async function taskFacts (manager: TaskManager): Promise<TaskFacts> {
  const { directory, directories, tasks } = manager.catalog
  const { faults, warnings, notes } = await foundIn(manager)
  const enabled = [...tasks.values()].filter(task => task.enabled)
  return {
    directory: directories.join(', '),
    count: tasks.size,
    enabled: enabled.length,
    scheduled: enabled.filter(({ trigger }) => trigger !== null).length,
    faults,
    warnings,
    resting: notes,
    siblings: tasks.size === 0 ? await siblingsOf(directory) : []
  }
}

const denied = async (path: string, mode: number): Promise<string | null> =>
  await access(path, mode).then(() => null, codeOf)

interface Places {
  folder: string
  directories: readonly string[]
  config: string
}

type Denied = Omit<PermissionFacts, 'security'> & { skewMs: number | null }

/** The first tasks directory that cannot be listed, or else the first. */
async function listed (directories: readonly string[]): Promise<Pick<Denied, 'directory' | 'directoryCode'>> {
  const all = await Promise.all(directories.map(async directory => ({
    directory,
    directoryCode: await readdir(directory).then(() => null, codeOf)
  })))
  return all.find(({ directoryCode }) => directoryCode !== null) ?? all[0]!
}

/** What this user may not do, and the time of the file system of the data folder. */
export async function permissions ({ folder, directories, config }: Places): Promise<Denied> {
  // A data folder that does not exist yet is created by the start.
  const place = existsSync(folder) ? folder : dirname(folder)
  const { code, skewMs } = await tryWrite(place)
  return {
    user: userName(),
    folder,
    folderCode: code,
    ...await listed(directories),
    config,
    configCode: existsSync(config) ? await denied(dirname(config), constants.W_OK) : null,
    skewMs
  }
}

const limitOf = async (name: string): Promise<number | null> => {
  const text = await readFile(`/proc/sys/fs/inotify/${name}`, 'utf8').catch(() => '')
  return text === '' ? null : Number(text)
}

/** Why a folder cannot be watched, found by watching it; null if it can. */
async function watchCode (directory: string): Promise<string | null> {
  try {
    const watcher = watch(directory)
    const failed = new Promise<string | null>(resolve => {
      watcher.once('error', error => resolve(codeOf(error)))
      setImmediate(resolve, null)
    })
    const code = await failed
    watcher.close()
    return code
  } catch (error) {
    return codeOf(error)
  }
}

/** Whether the tasks directories can be watched: about the first that cannot, or else the first. */
export async function watchFacts (directories: readonly string[]): Promise<WatchFacts> {
  const codes = await Promise.all(directories.map(watchCode))
  const index = Math.max(0, codes.findIndex(code => code !== null))
  const directory = directories[index]!
  return {
    directory,
    code: codes[index]!,
    watches: await limitOf('max_user_watches'),
    instances: await limitOf('max_user_instances'),
    kind: (await statfs(directory).catch(() => ({ type: 0 }))).type
  }
}
