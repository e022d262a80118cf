import { fstatSync, fsyncSync, ftruncateSync, readSync, writeSync } from 'node:fs'
import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress, zstdCompressSync } from 'node:zlib'
import type { Folder } from './folder.ts'
import { isInUse } from './whole.ts'
import { sameFile } from './folder.ts'

const CHUNK = 256 * 1024
const PACKED = '.zst'
const ROUNDS = 100

/** `copy_truncate`: copies the lines and empties the file, which its writer may keep open. `rename`: renames the file
 *  and creates an empty one, for writers that open the file again. */
type Method = 'copy_truncate' | 'rename'

interface RotateAsk {
  folder: Folder
  name: string
  keep: number
  method: Method
  compress: boolean
  signal: AbortSignal
}

/** The bytes of a file up to `end`, even if the file grows. */
async function* from (handle: FileHandle, end: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < end;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(CHUNK), 0, Math.min(CHUNK, end - at), at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** Copies the first `end` bytes of a log into an open file, and syncs it. */
async function copy (
  log: FileHandle,
  { end, out, compress, signal }: { end: number, out: FileHandle, compress: boolean, signal: AbortSignal }
): Promise<void> {
  const write = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) await out.writeFile(chunk)
  }
  if (compress) await pipeline(from(log, end), createZstdCompress(), write, { signal })
  else await pipeline(from(log, end), write, { signal })
  await out.sync()
}

type Open = Pick<FileHandle, 'fd'>

/** Copies what was written after `at`, and empties the log. Synchronous, so that only lines that another process writes
 *  within microseconds can be lost. */
export function emptyAfter (log: Open, { at, out, compress }: { at: number, out: Open, compress: boolean }): void {
  let [done, durable] = [at, at]
  for (let round = 0; round < ROUNDS; round++) {
    const more = fstatSync(log.fd).size - done
    if (more < 0) throw new Error('Another program truncated the log while it was copied; it was not emptied')
    if (more === 0 && durable === done) return ftruncateSync(log.fd, 0)
    if (more === 0) {
      fsyncSync(out.fd)
      durable = done
      continue
    }
    const tail = Buffer.allocUnsafe(more)
    const read = readSync(log.fd, tail, 0, more, done)
    const plain = tail.subarray(0, read)
    // Readers of zstd join frames.
    const piece = compress ? zstdCompressSync(plain) : plain
    // A write to a nearly full disk may be partial.
    for (let put = 0; put < piece.length;) put += writeSync(out.fd, piece, put)
    done += read
  }
  throw new Error('The log grows faster than it can be copied')
}

/** Moves `name.1` to `name.2` and so on, from the last to the first, dropping those past `keep`. */
async function shift ({ folder, name, keep }: RotateAsk): Promise<void> {
  const numbers = await kept(folder, name)
  for (const { file, number, ending } of numbers.toSorted((a, b) => b.number - a.number)) {
    if (number >= keep) await folder.remove(file)
    else await folder.rename(file, `${name}.${number + 1}${ending}`)
  }
}

/** The endings of rotated logs. A number above 1000, such as a year, is not one. */
const NUMBERED = /^\.([1-9]\d{0,2}|1000)(\.zst)?$/

async function kept (folder: Folder, name: string): Promise<{ file: string, number: number, ending: string }[]> {
  const found: { file: string, number: number, ending: string }[] = []
  for (const entry of await folder.entries()) {
    const [, number, ending = ''] = entry.name.startsWith(`${name}.`)
      ? entry.name.slice(name.length).match(NUMBERED) ?? []
      : []
    if (number === undefined) continue
    if (!entry.isFile()) throw new Error(`'${entry.name}' is in the way: it is not a file`)
    found.push({ file: entry.name, number: Number(number), ending })
  }
  return found
}

/** The temporary file. */
interface Temp {
  temp: string
  out: FileHandle
}

async function copyTruncate (ask: RotateAsk, { temp, out }: Temp): Promise<void> {
  const { folder, name, compress, signal } = ask
  const log = await folder.edit(name)
  try {
    const end = (await log.stat()).size
    await copy(log, { end, out, compress, signal })
    await shift(ask)
    await folder.rename(temp, `${name}.1${compress ? PACKED : ''}`)
    await folder.sync()
    emptyAfter(log, { at: end, out, compress })
  } finally {
    await log.close()
  }
}

/** Compresses the file that the last rotation renamed; its writer has closed it by now. */
async function packFirst ({ folder, name, signal }: RotateAsk, { temp, out }: Temp): Promise<void> {
  const first = `${name}.1`
  // If both exist, they are different logs: both are only renumbered.
  if (await folder.stat(first) === null || await folder.stat(first + PACKED) !== null) return
  const log = await folder.read(first)
  try {
    const { size } = await log.stat()
    await copy(log, { end: size, out, compress: true, signal })
    if ((await log.stat()).size !== size) {
      throw new Error(
        `'${first}' is still written to: its program has not opened its log again since the last rotation`
      )
    }
    await folder.rename(temp, first + PACKED)
    await folder.remove(first)
  } finally {
    await log.close()
  }
}

async function moveAside (ask: RotateAsk, { stat, ...temp }: Temp & { stat: Stats }): Promise<void> {
  const { folder, name, compress } = ask
  if (compress) await packFirst(ask, temp)
  await shift(ask)
  await folder.rename(name, `${name}.1`)
  const fresh = await folder.create(name, stat.mode & 0o777)
  try {
    await fresh.chmod(stat.mode & 0o777)
    if (process.getuid?.() === 0) await fresh.chown(stat.uid, stat.gid)
  } finally {
    await fresh.close()
  }
  await folder.sync()
}

/** The reason why a configured file is not rotated, or null. */
export function unfit (stat: Stats): string | null {
  if (stat.isSymbolicLink()) return 'it is a link'
  if (!stat.isFile()) return 'it is not a file'
  // Emptying the file would also empty it under its other name.
  return stat.nlink > 1 ? 'it has another name elsewhere (a hard link)' : null
}

/** The logs that this process is rotating, by folder and name. */
const rotating = new Set<string>()

/** Creates the temporary file, which also marks the log as being rotated. Throws when another process rotates it. */
async function claim ({ folder, name }: RotateAsk): Promise<Temp> {
  const [before, after] = [`.${name}.rotate.`, '.part']
  const temp = `${before}${process.pid}${after}`
  await folder.remove(temp)
  const out = await folder.create(temp)
  try {
    for (const { name: other } of await folder.entries()) {
      const pid = other.startsWith(before) && other.endsWith(after) && other !== temp
        ? other.slice(before.length, -after.length)
        : ''
      if (!/^\d{1,10}$/.test(pid)) continue
      if (await isInUse(folder, { name: other, pid: Number(pid) })) throw new Error(`process ${pid} is rotating it`)
      await folder.remove(other)
    }
    return { temp, out }
  } catch (error) {
    await out.close()
    await folder.remove(temp)
    throw error
  }
}

async function rotateClaimed (ask: RotateAsk, temp: Temp): Promise<void> {
  const { folder, name, method } = ask
  const stat = await folder.stat(name)
  const why = stat === null ? 'it is gone' : unfit(stat)
  if (stat === null || why !== null) throw new Error(`'${name}' is not rotated: ${why}`)
  const handle = await folder.edit(name)
  const same = await handle.stat().then(now => sameFile(now, stat) && unfit(now) === null).finally(() => handle.close())
  if (!same) throw new Error(`'${name}' was replaced while it was being checked`)
  // Another process has just rotated it.
  if (stat.size === 0) return
  await (method === 'rename' ? moveAside(ask, { ...temp, stat }) : copyTruncate(ask, temp))
}

/** Rotates one log: `name` becomes `name.1` (compressed: `name.1.zst`), older ones get the next number, and those above
 *  `keep` are removed. If two processes rotate a log at the same time, at most one continues. */
export async function rotate (ask: RotateAsk): Promise<void> {
  const { folder, name } = ask
  const key = `${folder.identity.dev}:${folder.identity.ino}/${name}`
  if (rotating.has(key)) throw new Error('another run is rotating it')
  rotating.add(key)
  try {
    const temp = await claim(ask)
    try {
      await rotateClaimed(ask, temp)
    } finally {
      await temp.out.close()
      await folder.remove(temp.temp)
    }
  } finally {
    rotating.delete(key)
  }
}
