import { basename, dirname, extname, join } from 'node:path'
import { parse } from 'jsonc-parser'
import type { ParseError } from 'jsonc-parser'
import { MOST_BYTES, readRegular } from '../file/regular.ts'

const FOLDER_NAMES = ['OFFPEAK_DATA', 'OFFPEAK_DATA_FILE', 'OFFPEAK_ENGINE__FOLDER', 'OFFPEAK_ENGINE__FOLDER_FILE']

/** `engine.folder` of one configuration file; null when it sets none, throws when it cannot be parsed. */
async function folderIn (file: string): Promise<string | null> {
  const faults: ParseError[] = []
  const text = String(await readRegular(file, MOST_BYTES).catch(() => '{}'))
  const { engine } = (parse(text, faults, { allowTrailingComma: true }) ?? {}) as {
    engine?: { folder?: unknown }
  }
  if (faults.length > 0) throw faults[0]
  return typeof engine?.folder === 'string' ? engine.folder : null
}

/** The sources of a configuration. */
export interface FolderAsk {
  file: string
  environment: string | undefined
  env: NodeJS.ProcessEnv
}

/** The data folder, without checking the whole configuration, which would take most of the time of a short command.
 *  Null if the whole configuration is needed to know it. */
export async function quickFolder ({ file, environment = undefined, env }: FolderAsk): Promise<string | null> {
  const [named, ...more] = FOLDER_NAMES.filter(name => env[name])
  if (more.length > 0 || named?.endsWith('_FILE')) return null
  if (named !== undefined) return env[named]!
  const layer = environment ?? env.OFFPEAK_ENV
  const end = extname(file)
  const files = [file, ...layer ? [join(dirname(file), `${basename(file, end)}.${basename(layer)}${end}`)] : []]
  try {
    const folders = await Promise.all(files.map(folderIn))
    return folders.findLast(folder => folder !== null) ?? 'data'
  } catch {
    return null
  }
}
