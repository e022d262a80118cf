import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** Arguments for a child process to share the compile cache of this process; empty without a cache. */
export function compileCacheArgs (): string[] {
  const folder = getCompileCacheDir()
  return folder === undefined ? [] : [dirname(folder)]
}
