import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** The folder of the compile cache of this process, as an argument for a process of ours that shares it; none when this
 *  process has no cache. */
export function compileCacheArgs (): string[] {
  const folder = getCompileCacheDir()
  return folder === undefined ? [] : [dirname(folder)]
}
