import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { readdir, rm } from 'node:fs/promises'
import { SECOND } from '../../model/base/duration.ts'
import { responds } from '../../load/file/responds.ts'

/** The most files in the cache. A start needs about 3,000; every version of a task file adds two. */
const MOST = 12_000

/** The compile cache; undefined when there is none, or when NODE_COMPILE_CACHE names one that other programs may
 *  share. */
export const ownCompileCache = (env: NodeJS.ProcessEnv = process.env): string | undefined =>
  env['NODE_COMPILE_CACHE'] ? undefined : getCompileCacheDir()

/** Removes the compile cache when it is too large; the next start writes it again. Never throws. */
export async function pruneCompileCache (folder = ownCompileCache(), most = MOST): Promise<void> {
  if (folder === undefined) return
  const names = await readdir(folder).catch(() => [])
  if (names.length > most) await rm(folder, { recursive: true, force: true }).catch(() => undefined)
}

/** Writes what this process has compiled, for the next start: a server mostly ends by replacing itself, and Node then
 *  writes nothing. It blocks the event loop, the first time for seconds, so that it belongs at the end. Does nothing
 *  when the file system of the cache does not answer. */
export async function keepCompiled (folder = getCompileCacheDir(), ms = SECOND): Promise<void> {
  if (folder !== undefined && await responds(folder, ms)) flushCompileCache()
}
