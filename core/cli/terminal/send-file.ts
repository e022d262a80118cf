import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Client } from '../remote/client.ts'
import type { ByteSource } from '../remote/send-bytes.ts'
import { CLEAR_LINE, draw } from './output.ts'
import { sizeWords } from '../../model/base/size.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

async function sourceOf (file: string): Promise<ByteSource> {
  if (file === '-') return { from: process.stdin, size: null }
  const found = await stat(file).catch(() => null)
  if (found === null) throw usageInvalid(`There is no file ${file}`)
  if (!found.isFile()) {
    throw usageInvalid(`${file} is not a file`,
      'A folder is sent packed: tar -c folder | offpeak upload - --name folder.tar')
  }
  // Bytes appended meanwhile are not sent: the content length is fixed.
  return { from: createReadStream(file, { end: Math.max(0, found.size - 1) }), size: found.size }
}

/** On a terminal, a line with the share of bytes sent, which is redrawn in place. */
function meterOf (out: NodeJS.WriteStream, size: number | null) {
  if (!out.isTTY) return { moved: () => undefined, clear: () => undefined }
  let last = ''
  const moved = (bytes: number) => {
    const line = size === null
      ? `${sizeWords(bytes)} sent`
      : `${Math.floor(bytes / Math.max(1, size) * 100)} % of ${sizeWords(size)} sent`
    if (line !== last) draw(out, CLEAR_LINE, last = line)
  }
  return { moved, clear: () => draw(out, CLEAR_LINE, '') }
}

/** A file stored on the server. */
interface Stored {
  path: string
  name: string
  bytes: number
  sha256: string
}

/** Sends a file, or standard input for `-`, to the server. */
export async function sendFile (
  client: Client,
  file: string,
  name = file === '-' ? 'stdin' : basename(file)
): Promise<Stored> {
  const source = await sourceOf(file)
  const meter = meterOf(process.stderr, source.size)
  try {
    return await client.upload<Stored>(`/api/files?name=${encodeURIComponent(name.slice(-200))}`, {
      ...source,
      moved: meter.moved
    })
  } finally {
    meter.clear()
  }
}

/** The payload with the path of a file as `path`; throws OFFPEAK_USAGE_INVALID when it is not an object. */
export function withPath (payload: unknown, { path }: Pick<Stored, 'path'>): Record<string, unknown> {
  if (payload === undefined) return { path }
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return { ...payload, path }
  throw usageInvalid('--payload is not an object, so that it has no member `path` for the file')
}
