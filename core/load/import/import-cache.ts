import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomic } from '../file/atomic-write.ts'

const MODE = 0o600

interface Stored {
  node?: unknown
  files?: unknown
}

const fileIn = (folder: string) => join(folder, 'imports.json')

/** True if nothing is stored yet: the next scan tries every file. */
export const isFirstScan = (folder: string): boolean => !existsSync(fileIn(folder))

/** The files whose import succeeded before, by path, with the hash of their content. Empty if it cannot be read. */
export async function readImportCache (folder: string): Promise<Map<string, string>> {
  try {
    const { node, files } = JSON.parse(await readFile(fileIn(folder), 'utf8')) as Stored
    // Another version of Node may strip types differently.
    if (node !== process.version || typeof files !== 'object' || files === null) return new Map()
    return new Map(Object.entries(files).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch {
    return new Map()
  }
}

/** Keeps what `recall` reads, in `imports.json` of the data folder. */
export async function writeImportCache (folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const text = `${JSON.stringify({ node: process.version, files: Object.fromEntries(files) })}\n`
  await writeAtomic({ file: fileIn(folder), text, mode: MODE })
}
