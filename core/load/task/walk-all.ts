import { stat } from 'node:fs/promises'
import type { OffpeakError } from '../../model/errors/errors.ts'
import type { Account } from '../file/modes.ts'
import type { TaskDirectory } from './directories.ts'
import { builtInFile } from './directories.ts'
import type { FoundFile } from './walk.ts'
import { stampOf, unreadable, walk } from './walk.ts'

/** What lies in all tasks directories, and the built-in tasks that are on. */
export interface AllWalked {
  /** The directories themselves. */
  roots: string[]
  files: FoundFile[]
  faults: Map<string, OffpeakError>
  /** The targets of links out of them. */
  outside: string[]
}

interface WalkAllAsk {
  directories: readonly TaskDirectory[]
  /** The ids of built-in tasks. */
  builtIns: readonly string[]
  account?: Account | null
}

/** The built-in files; who can change them needs no task file. */
async function builtInFiles (ids: readonly string[], faults: Map<string, OffpeakError>): Promise<FoundFile[]> {
  const found = await Promise.all(ids.map(async id => {
    const { path, file } = builtInFile(id)
    try {
      return stampOf({ path, real: file, stats: await stat(file) })
    } catch (cause) {
      faults.set(path, unreadable(path, cause))
      return null
    }
  }))
  return found.filter(one => one !== null)
}

/** Every task file, each once: one that lies in several directories belongs to the first, and a built-in task that is
 *  on to none. */
export async function walkAll ({ directories, builtIns, ...more }: WalkAllAsk): Promise<AllWalked> {
  const walked = await Promise.all(directories.map(({ path, name }) => walk(path, { name, ...more })))
  const faults = new Map(walked.flatMap(one => [...one.faults]))
  const own = await builtInFiles(builtIns, faults)
  const files = new Map(own.map(file => [file.real, file]))
  for (const file of walked.flatMap(one => one.files)) if (!files.has(file.real)) files.set(file.real, file)
  return {
    roots: walked.map(({ root }) => root),
    // A user's own definition comes before a built-in one.
    files: [...files.values()].toSorted((a, b) => Number(own.includes(a)) - Number(own.includes(b))),
    faults,
    outside: walked.flatMap(one => one.outside)
  }
}
