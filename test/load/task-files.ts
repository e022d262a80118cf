import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import type { ConfigFile } from '../../core/model/config/config.ts'
import { configOf } from '../../core/model/config/config.ts'
import type { TaskContext } from '../../core/model/task/context.ts'
import type { FolderAsk, FolderChange } from '../../core/load/task/task-folder.ts'
import { TaskFolder } from '../../core/load/task/task-folder.ts'
import { scratch } from '../work/harness.ts'

export const OLD = new Date('2026-01-01T00:00:00Z')

/** A module with one task whose answer is `answer`. */
export const task = (id: string, answer = 1, more = '') =>
  `export const TASK_DEFINITIONS = [{ id: '${id}', func: () => ${answer}, ${more} }]\n`

export const config = (file: ConfigFile = {}) => configOf(file, 'UTC')

/** Writes a file below the tasks directory, each version with another time. */
const writerFor =
  (directory: string, changes: readonly FolderChange[]) => (name: string, text: string, mode = 0o644) => {
    const file = join(directory, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    chmodSync(file, mode)
    // Older than a file that may be half written.
    utimesSync(file, OLD, new Date(OLD.getTime() + text.length + changes.length * 1000))
  }

/** A tasks directory with these files, and a TaskFolder on it that is stopped with the test. */
export function setup (t: Test, files: Record<string, string>, more: Partial<FolderAsk> = {}) {
  const root = scratch(t)
  const directory = join(root, 'tasks')
  mkdirSync(directory)
  writeFileSync(join(root, 'package.json'), '{"type":"module"}')
  const changes: FolderChange[] = []
  const write = writerFor(directory, changes)
  for (const [name, text] of Object.entries(files)) write(name, text)
  const folder = new TaskFolder({
    directories: [{ path: directory, name: '.' }],
    dataFolder: join(root, 'data'),
    config: config(),
    files: 'once',
    boundMs: 1500,
    onChange: change => {
      changes.push(change)
    },
    ...more
  })
  t.teardown(() => folder.stop())
  const answer = (id: string) => {
    const work = folder.current.tasks.get(id)?.work
    return work?.kind === 'function' ? work.func({} as TaskContext) : undefined
  }
  return {
    root,
    directory,
    write,
    changes,
    folder,
    answer,
    ids: () => [...folder.current.tasks.keys()],
    broken: () => folder.current.broken
  }
}

export const ids = (list: { id: string }[]) => list.map(({ id }) => id)
