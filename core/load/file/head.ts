import { open } from 'node:fs/promises'

const SCRIPT_BYTES = 64 * 1024

/** The beginning of a file, long enough for the header of a script. */
export async function headOf (file: string): Promise<string> {
  const handle = await open(file, 'r')
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(SCRIPT_BYTES) })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}
