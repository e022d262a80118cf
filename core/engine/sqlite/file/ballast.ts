import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const BLOCK = 1024 * 1024

const freeBytes = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Creates a file of `bytes` next to the database that is removed when the disk is full. False: not enough free space.
 */
export function reserveBallast (file: string, bytes: number): boolean {
  if (existsSync(file)) return true
  if (freeBytes(dirname(file)) < 3 * bytes) return false
  const handle = openSync(file, 'w', 0o600)
  try {
    // Random bytes take real space on a compressing file system.
    const block = randomFillSync(Buffer.allocUnsafe(Math.min(BLOCK, bytes)))
    for (let left = bytes; left > 0; left -= block.length) writeSync(handle, block, 0, Math.min(block.length, left))
    fsyncSync(handle)
    return true
  } catch {
    rmSync(file, { force: true })
    return false
  } finally {
    closeSync(handle)
  }
}

/** Removes the ballast. False: there was none. */
export function releaseBallast (file: string): boolean {
  if (!existsSync(file)) return false
  rmSync(file, { force: true })
  return true
}
