import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomic } from '../file/atomic-write.ts'

const MODE = 0o600

const fileIn = (folder: string) => join(folder, 'owners.json')

/** The file that defines each task id, by id, as it was when offpeak last ran. Empty if it cannot be read. */
export async function readOwners (folder: string): Promise<Map<string, string>> {
  try {
    const owners = JSON.parse(await readFile(fileIn(folder), 'utf8')) as Record<string, unknown>
    return new Map(Object.entries(owners).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    return new Map()
  }
}

/** Stores what `readOwners` reads. A data folder that cannot be written keeps what it has. */
export async function writeOwners (folder: string, owners: ReadonlyMap<string, string>): Promise<void> {
  const text = `${JSON.stringify(Object.fromEntries(owners), null, 1)}\n`
  await writeAtomic({ file: fileIn(folder), text, mode: MODE }).catch(() => undefined)
}
