import type { Config } from '../../model/config/config.ts'
import { refusedFor } from '../file/exposures.ts'
import { startedFiles } from '../file/missing-program.ts'

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

/** The programs of tasks in the configuration that others can change, by the first word of the command. */
export async function refusedPrograms (ask: ProgramsAsk): Promise<Map<string, RefusedProgram>> {
  const { tasks, security } = ask.config
  const refused = new Map<string, RefusedProgram>()
  if (security.accept_loose_files !== null) return refused
  const names = new Set(Object.values(tasks).flatMap(({ command }) => command === undefined ? [] : [command[0]!]))
  await Promise.all([...names].map(async name => {
    const files = await startedFiles({ file: name, cwd: ask.root, path: ask.path ?? '' })
    const [found] = (await Promise.all(files.map(file => refusedFor(file)))).filter(one => one !== null)
    if (found !== undefined) refused.set(name, { message: found.message, fix: found.fix })
  }))
  return refused
}
