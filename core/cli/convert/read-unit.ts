import { readFile, readlink, realpath, stat } from 'node:fs/promises'

/** The text of a unit file, or why it has none. `masked`: systemd never starts it. */
type UnitText = { text: string } | { fault: string, masked: boolean }

const fault = (message: string, masked = false): UnitText => ({ fault: message, masked })

async function faultOf (file: string, code: string | undefined): Promise<UnitText> {
  if (code !== 'ENOENT') return fault(`cannot be read (${code})`)
  const target = await readlink(file).catch(() => null)
  return fault(target === null ? 'does not exist' : `is a link to ${target}, which does not exist`)
}

/** Reads a unit file. One that is empty, or a link to /dev/null, is masked. */
export async function readUnit (file: string): Promise<UnitText> {
  try {
    const path = await realpath(file)
    const found = await stat(path)
    if (path === '/dev/null' || (found.isFile() && found.size === 0)) return fault('is masked', true)
    return found.isFile() ? { text: await readFile(path, 'utf8') } : fault('is not a file')
  } catch (error) {
    return await faultOf(file, (error as NodeJS.ErrnoException).code)
  }
}
