import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { IgnoredFile } from './lookalikes.ts'
import { headOf } from '../../load/file/head.ts'
import { lookalike } from './lookalikes.ts'

const MOST_FILES = 2000
const MOST_BYTES = 1024 * 1024
const DEEPEST = 9
const EXECUTABLE = 0o111

/** The files below a folder, at most 2000, without those of installed packages and of version control. */
async function filesBelow (root: string, folder = '', found: string[] = []): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (found.length >= MOST_FILES) break
    if (entry.isFile()) found.push(path)
    const isOthers = ['node_modules', '.git'].includes(entry.name) || path.split('/').length > DEEPEST
    if (entry.isDirectory() && !isOthers) await filesBelow(root, path, found)
  }
  return found
}

/** The files of a tasks directory that are not read although they look like tasks. */
export async function ignoredFiles (directory: string): Promise<IgnoredFile[]> {
  const found: IgnoredFile[] = []
  for (const path of await filesBelow(directory)) {
    const file = join(directory, path)
    const stats = await stat(file).catch(() => null)
    if (stats === null || stats.size > MOST_BYTES) continue
    const head = await headOf(file).catch(() => null)
    const seen = head === null ? null : lookalike({ path, executable: (stats.mode & EXECUTABLE) !== 0, head })
    if (seen !== null) found.push(seen)
  }
  return found.toSorted((a, b) => a.path < b.path ? -1 : 1)
}
