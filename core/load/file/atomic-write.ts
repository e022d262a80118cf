import { randomUUID } from 'node:crypto'
import { lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MINUTE } from '../../model/base/duration.ts'

interface WriteAsk {
  file: string
  text: string
  mode: number
}

/** Syncs a file, or the names in a folder. */
async function sync (path: string): Promise<void> {
  // Windows cannot open a folder; its rename is durable by itself.
  const handle = await open(path, 'r').catch(() => null)
  if (handle === null) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}

/** Makes the name of a new or renamed file durable. On file systems that cannot sync folders, syncs the file
 *  instead. */
export async function syncName (file: string): Promise<void> {
  await sync(file)
  await sync(dirname(file))
}

/** Creates a folder and its parents with mode 0700, and makes their names durable. */
export async function makeFolder (folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await sync(dirname(made))
}

async function writeNew ({ file, text, mode }: WriteAsk): Promise<void> {
  const handle = await open(file, 'wx', mode)
  try {
    // The umask limits the mode given to open.
    await handle.chmod(mode)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const UNFINISHED = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/

/** Writing a file takes less than this. */
const ABANDONED = 10 * MINUTE

/** Removes unfinished files of killed processes beside a file. */
export async function removeTemporary (file: string): Promise<void> {
  const [folder, start] = [dirname(file), `.${basename(file)}`]
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(start) || !UNFINISHED.test(name.slice(start.length))) continue
    const path = join(folder, name)
    const stat = await lstat(path).catch(() => null)
    if (stat?.isFile() && Math.abs(Date.now() - stat.mtimeMs) > ABANDONED) {
      await rm(path, { force: true }).catch(() => undefined)
    }
  }
}

/** Replaces a file as a whole: readers see either the old or the new text, also after a power cut. Creates a missing
 *  folder. */
export async function writeAtomic ({ file, text, mode }: WriteAsk): Promise<void> {
  const folder = dirname(file)
  const fresh = join(folder, `.${basename(file)}.${randomUUID()}.tmp`)
  await makeFolder(folder)
  await removeTemporary(file)
  try {
    await writeNew({ file: fresh, text, mode })
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  await syncName(file)
}
