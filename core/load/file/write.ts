import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface WriteAsk { file: string, text: string, mode: number }

async function syncFolder (folder: string): Promise<void> {
  // Windows cannot open a folder; its rename is durable by itself.
  const handle = await open(folder, 'r').catch(() => null)
  if (handle === null) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}

async function writeNew ({ file, text, mode }: WriteAsk): Promise<void> {
  const handle = await open(file, 'wx', mode)
  try {
    // The mode given to open is cut by the umask.
    await handle.chmod(mode)
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces a file as a whole: a reader sees the old text or the new one, also after a power cut. The folder is made when it is missing. */
export async function writeWhole ({ file, text, mode }: WriteAsk): Promise<void> {
  const folder = dirname(file)
  const fresh = join(folder, `.${basename(file)}.${randomUUID()}.tmp`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  try {
    await writeNew({ file: fresh, text, mode })
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
  await syncFolder(folder)
}
