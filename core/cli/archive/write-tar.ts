import { createReadStream } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

const BLOCK = 512
const LONGEST_NAME = 100
const FILE = '0'
const FOLDER = '5'
const EXTENDED = 'x'

interface Member {
  name: string
  size: number
  mode: number
  /** Seconds. */
  modifiedAt: number
  type: string
}

const octal = (value: number, digits: number) => `${Math.trunc(value).toString(8).padStart(digits - 1, '0')}\0`

const padding = (size: number): Buffer => Buffer.alloc((BLOCK - size % BLOCK) % BLOCK)

/** The header of a member in the ustar format of POSIX. */
function headerOf ({ name, size, mode, modifiedAt, type }: Member): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0, LONGEST_NAME)
  block.write(octal(mode & 0o777, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(modifiedAt, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write(type, 156)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** A line of an extended header, which begins with its own length. */
function lineOf (key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`)
  let length = rest.length
  while (length !== String(length).length + rest.length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** The blocks before the content of a member; a long or large one has an extended header. */
function* beginning (member: Member): Generator<Buffer> {
  const lines = [
    ...Buffer.byteLength(member.name) > LONGEST_NAME ? [lineOf('path', member.name)] : [],
    ...member.size >= 8 ** 11 ? [lineOf('size', String(member.size))] : []
  ]
  if (lines.length > 0) {
    const body = Buffer.concat(lines)
    yield headerOf({ ...member, name: 'extended', size: body.length, type: EXTENDED })
    yield body
    yield padding(body.length)
  }
  yield headerOf({ ...member, ...member.size >= 8 ** 11 && { size: 0 } })
}

/** A text as the first member of an archive. */
export function* textMember (name: string, text: string, now: number): Generator<Buffer> {
  const body = Buffer.from(text)
  yield* beginning({ name, size: body.length, mode: 0o600, modifiedAt: now / 1000, type: FILE })
  yield body
  yield padding(body.length)
}

/** Everything in a folder that nobody changes meanwhile, then the end of the archive. */
export async function* folderMembers (folder: string): AsyncGenerator<Buffer> {
  const names = (await readdir(folder, { recursive: true })).toSorted()
  for (const name of names) {
    const path = join(folder, name)
    const stats = await lstat(path)
    const common = { mode: stats.mode, modifiedAt: stats.mtimeMs / 1000 }
    if (stats.isDirectory()) yield* beginning({ ...common, name: `${name}/`, size: 0, type: FOLDER })
    if (!stats.isFile()) continue
    yield* beginning({ ...common, name, size: stats.size, type: FILE })
    for await (const chunk of createReadStream(path)) yield chunk as Buffer
    yield padding(stats.size)
  }
  yield Buffer.alloc(2 * BLOCK)
}
