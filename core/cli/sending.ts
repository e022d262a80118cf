import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request as plain } from 'node:http'
import { request as secure } from 'node:https'
import { basename } from 'node:path'
import { Transform, pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import { MINUTE } from '../model/duration.ts'
import { sizeWords } from '../model/size.ts'
import { usageInvalid } from '../model/errors.ts'
import type { Client } from './client.ts'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

/** Nothing has moved for so long: the other side is gone. */
const SILENCE = 10 * MINUTE

/** `size` null: nobody knows. */
interface Source { from: Readable, size: number | null }

/** `moved`: told how many bytes have gone. */
export interface SendAsk extends Source { url: string, headers: Record<string, string>, moved?: (bytes: number) => void }

/** Sends bytes as they are read; the answer counts as soon as it comes, though not all may have been sent. */
export async function sendBytes ({ from, size, url, headers, moved }: SendAsk): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>()
  const request = url.startsWith('https:') ? secure : plain
  const sent = request(url, { method: 'POST', agent: false, headers: { ...headers, 'content-type': 'application/octet-stream', ...size !== null && { 'content-length': String(size) } } })
  let bytes = 0
  const meter = new Transform({
    transform (chunk: Buffer, _encoding, done) {
      moved?.(bytes += chunk.length)
      done(null, chunk)
    }
  })
  sent.setTimeout(SILENCE, () => sent.destroy(new Error('nothing has moved for ten minutes')))
  const answered = async (response: IncomingMessage) => {
    const body = await text(response)
    resolve(new Response(body, { status: response.statusCode ?? 500 }))
    sent.destroy()
  }
  sent.on('response', response => void answered(response).catch(reject))
  pipeline(from, meter, sent, error => { if (error) reject(error) })
  return await promise
}

async function sourceOf (file: string): Promise<Source> {
  if (file === '-') return { from: process.stdin, size: null }
  const found = await stat(file).catch(() => null)
  if (found === null) throw usageInvalid(`There is no file ${file}`)
  if (!found.isFile()) throw usageInvalid(`${file} is not a file`, 'A folder is sent packed: tar -c folder | offpeak upload - --name folder.tar')
  // What is written to it meanwhile is not sent: its size was said.
  return { from: createReadStream(file, { end: Math.max(0, found.size - 1) }), size: found.size }
}

/** On a terminal how much has gone, in a line that redraws itself. */
function meterOf (out: NodeJS.WriteStream, size: number | null) {
  if (!out.isTTY) return { moved: () => undefined, clear: () => undefined }
  let last = ''
  const moved = (bytes: number) => {
    const line = size === null ? `${sizeWords(bytes)} sent` : `${Math.floor(bytes / Math.max(1, size) * 100)} % of ${sizeWords(size)} sent`
    if (line !== last) out.write(`\r\u001B[2K${last = line}`)
  }
  return { moved, clear: () => void out.write('\r\u001B[2K') }
}

/** A file as it lies on the machine of the server. */
export interface Stored { path: string, name: string, bytes: number, sha256: string }

/** Sends a file, or standard input for `-`, to the server, which may be elsewhere. */
export async function sendFile (client: Client, file: string, name = file === '-' ? 'stdin' : basename(file)): Promise<Stored> {
  const source = await sourceOf(file)
  const meter = meterOf(process.stderr, source.size)
  try {
    return await client.upload<Stored>(`/api/files?name=${encodeURIComponent(name.slice(-200))}`, { ...source, moved: meter.moved })
  } finally {
    meter.clear()
  }
}

/** The payload with the place of a file laid into it; throws OFFPEAK_USAGE_INVALID when it cannot be. */
export function withPath (payload: unknown, { path }: Pick<Stored, 'path'>): Record<string, unknown> {
  if (payload === undefined) return { path }
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return { ...payload, path }
  throw usageInvalid('--payload is no object, and the place of the file is to be its `path`')
}
