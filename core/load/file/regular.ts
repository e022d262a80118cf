import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** Larger files of a configuration are refused before they are read. */
export const MOST_BYTES = 1024 * 1024

/** The bytes of a file. Throws when the path leads to anything else: a pipe or a device may never end. `mostBytes`: a
 *  larger file is not read, and the result is its size. */
export async function readRegular (file: string, mostBytes: number): Promise<Buffer | number> {
  // A pipe without a writer would block an ordinary open, and a thread of the process with it.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new Error(`${file} is not a file`)
    return stats.size > mostBytes ? stats.size : await handle.readFile()
  } finally {
    await handle.close()
  }
}
