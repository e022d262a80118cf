import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import type { Config } from '../../model/config/config.ts'
import { refusedFor } from '../file/exposures.ts'

/** Why a program is not started: others can change it. */
export interface RefusedProgram {
  message: string
  fix: string
}

interface ProgramsAsk {
  config: Config
  /** Where relative paths start. */
  root: string
  path?: string | undefined
}

const isProgram = (file: string): Promise<boolean> =>
  Promise.all([stat(file), access(file, constants.X_OK)]).then(([stats]) => stats.isFile(), () => false)

/** The file of a program: its path, or the first of its name in the PATH; null when there is none. */
async function programFile (name: string, { root, path = '' }: ProgramsAsk): Promise<string | null> {
  if (name.includes('/')) return resolve(root, name)
  for (const folder of path.split(delimiter).filter(Boolean)) {
    const file = join(folder, name)
    if (await isProgram(file)) return file
  }
  return null
}

/** The programs of tasks in the configuration that others can change, by the first word of the command. */
export async function refusedPrograms (ask: ProgramsAsk): Promise<Map<string, RefusedProgram>> {
  const { tasks, security } = ask.config
  const refused = new Map<string, RefusedProgram>()
  if (security.accept_loose_files !== null) return refused
  const names = new Set(Object.values(tasks).flatMap(({ command }) => command === undefined ? [] : [command[0]!]))
  await Promise.all([...names].map(async name => {
    const file = await programFile(name, ask)
    const found = file === null ? null : await refusedFor(file)
    if (found !== null) refused.set(name, { message: found.message, fix: found.fix })
  }))
  return refused
}
