import { createHash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { FileHandle } from 'node:fs/promises'
import { Type } from 'typebox'
import type { TaskContext, TaskDefinition } from '../core/index.ts'
import { fsPathOf } from './_files/names.ts'
import { expandPath } from './_files/path.ts'
import { openWithin } from './_files/reach.ts'
import { PathRefused, openFolder } from './_files/root.ts'
import { codeOf, keyOf, settingsOf } from './_task/settings.ts'

const Input = Type.Object({
  path: Type.Optional(Type.String({ minLength: 1, description: 'The file', configured: 'within', uploads: true }))
}, { additionalProperties: false })

const CHUNK = 256 * 1024
const NEWLINE = 10

/** Lines, bytes and SHA-256 of a file. A last line without a newline counts. */
interface Counted {
  lines: number
  bytes: number
  sha256: string
}

function linesIn (chunk: Buffer): number {
  let lines = 0
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines++
  return lines
}

async function count (ctx: TaskContext, file: FileHandle): Promise<Counted> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(CHUNK)
  let [lines, bytes, last] = [0, 0, NEWLINE]
  for (;;) {
    await ctx.breathe()
    const { bytesRead } = await file.read(buffer, 0, CHUNK)
    if (bytesRead === 0) break
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    lines += linesIn(chunk)
    bytes += bytesRead
    last = chunk.at(-1)!
    ctx.progress.update(bytes)
  }
  return { lines: last === NEWLINE ? lines : lines + 1, bytes, sha256: hash.digest('hex') }
}

async function processOpen (ctx: TaskContext, file: FileHandle, path: string): Promise<unknown> {
  const before = await file.stat()
  if (!before.isFile()) return ctx.fail(`'${path}' is not a file`)
  ctx.progress.setTotal(before.size, 'bytes')
  const counted = await count(ctx, file)
  const after = await file.stat()
  ctx.log.info(counted, 'counted')
  const result = { path, ...counted }
  return after.mtimeMs === before.mtimeMs && after.size === before.size
    ? result
    : ctx.warn(`'${path}' changed while it was read`, result)
}

async function processFile (ctx: TaskContext): Promise<unknown> {
  const { path } = settingsOf(ctx, Input, {})
  if (path === undefined) {
    return ctx.skip(
      `No file is configured: set ${keyOf(ctx, 'path')}, or upload one with \`offpeak run process_file --file <path>\``
    )
  }
  try {
    const full = resolve(expandPath(path))
    // A missing file is reported before its folder is checked.
    await lstat(fsPathOf(full))
    const folder = await openWithin(ctx, { setting: 'path', name: basename(full) }, () => openFolder(dirname(full)))
    try {
      const file = await folder.read(basename(full))
      try {
        return await processOpen(ctx, file, path)
      } finally {
        await file.close()
      }
    } finally {
      await folder.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ctx.fail(`There is no file '${path}'`)
    if (codeOf(error) === 'ELOOP') return ctx.fail(`'${path}' is a link; name the file itself`)
    if (error instanceof PathRefused) return ctx.fail(error.message)
    throw error
  }
}

export const TASK_DEFINITIONS: TaskDefinition[] = [{
  id: 'process_file',
  name: 'Process a file',
  description: 'Counts the lines and bytes of a file and computes its SHA-256, with progress in bytes. ' +
    'An example of work on files.',
  func: processFile,
  isolation: 'process',
  // Without a trigger, and limited to uploads and configured paths, it is safe to enable.
  enabled: true,
  max_retries: 1,
  timeout: '1h',
  type: 'file',
  tags: ['disk'],
  input: Input
}]
