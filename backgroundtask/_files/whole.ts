import { codeOf } from '../_task/settings.ts'
import type { Folder } from './folder.ts'

/** An unfinished file that has not changed for this long is abandoned. The pid in its name may belong to a process of
 *  another container. */
const ABANDONED_MS = 60 * 60 * 1000

function isGone (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return codeOf(error) === 'ESRCH'
  }
}

/** True when the process of an unfinished file runs and has changed it within the last hour. */
export async function isInUse (folder: Folder, { name, pid }: { name: string, pid: number }): Promise<boolean> {
  const stat = await folder.stat(name)
  return stat !== null && !isGone(pid) && Math.abs(Date.now() - stat.mtimeMs) <= ABANDONED_MS
}

/** Removes unfinished files of processes that have ended: files named `<before><pid><after>` or
 *  `<before><pid>-<number><after>`. */
export async function removeAbandoned (
  folder: Folder,
  { before, after }: { before: string, after: string }
): Promise<void> {
  for (const { name } of await folder.entries()) {
    if (!name.startsWith(before) || !name.endsWith(after)) continue
    const pid = name.slice(before.length, -after.length).match(/^(\d{1,10})(?:-\d+)?$/)?.[1]
    if (pid === undefined || !isGone(Number(pid))) continue
    const stat = await folder.stat(name)
    if (stat?.isFile() && Math.abs(Date.now() - stat.mtimeMs) > ABANDONED_MS) await folder.remove(name)
  }
}

let written = 0

async function writeBeside (folder: Folder, name: string, text: string): Promise<string> {
  // Two runs of this process may write the same file at the same time.
  const temp = `.${name}.${process.pid}-${++written}.part`
  await removeAbandoned(folder, { before: `.${name}.`, after: '.part' })
  await folder.remove(temp)
  const handle = await folder.create(temp)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return temp
}

/** Writes a file under a temporary name, syncs it and renames it, so that readers see either the old or the new
 *  file. */
export async function writeWhole (folder: Folder, name: string, text: string): Promise<void> {
  await folder.rename(await writeBeside(folder, name, text), name)
  await folder.sync()
}

/** Writes a new file. Returns false, without changing anything, when the name exists. */
export async function writeNew (folder: Folder, name: string, text: string): Promise<boolean> {
  const temp = await writeBeside(folder, name, text)
  const made = await folder.moveNew(temp, name).finally(() => folder.remove(temp))
  await folder.sync()
  return made
}

/** The text of a file up to `limit` bytes; null when it is missing, larger, or not a file. */
export async function readWhole (folder: Folder, name: string, limit = 64 * 1024 * 1024): Promise<string | null> {
  const found = await folder.stat(name)
  if (!found?.isFile() || found.size > limit) return null
  const handle = await folder.read(name)
  try {
    return await handle.readFile('utf8')
  } finally {
    await handle.close()
  }
}
