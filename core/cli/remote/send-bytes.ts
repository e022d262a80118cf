import { Transform, pipeline } from 'node:stream'
import { text } from 'node:stream/consumers'
import { MINUTE } from '../../model/base/duration.ts'
import { portFor } from '../exchange/send.ts'
import type { Answer } from '../exchange/send.ts'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

/** Without progress for this long, the connection is closed. */
const SILENCE = 10 * MINUTE

/** `size` null: unknown. */
export interface ByteSource {
  from: Readable
  size: number | null
}

/** `moved`: called with the number of bytes sent. */
export interface SendAsk extends ByteSource {
  url: string
  headers: Record<string, string>
  moved?: (bytes: number) => void
}

/** Sends bytes as they are read. Resolves with the response, which may arrive before all bytes are sent; rejects when
 *  the connection fails first. */
export async function sendBytes ({ from, size, url, headers, moved }: SendAsk): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const { request } = portFor(url)
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      ...headers,
      connection: 'keep-alive',
      'content-type': 'application/octet-stream',
      ...size !== null && { 'content-length': String(size) }
    }
  })
  let bytes = 0
  const meter = new Transform({
    transform (chunk: Buffer, _encoding, done) {
      moved?.(bytes += chunk.length)
      done(null, chunk)
    }
  })
  sent.setTimeout(SILENCE, () => sent.destroy(new Error('there was no progress for ten minutes')))
  let isAnswered = false
  const answered = async (response: IncomingMessage) => {
    isAnswered = true
    const body = await text(response)
    resolve({ status: response.statusCode ?? 0, headers: response.headers, text: () => Promise.resolve(body) })
    sent.destroy()
  }
  sent.on('response', response => void answered(response).catch(reject))
  // The server may close the connection after the last byte, when the pipeline has already ended.
  sent.on('error', reject)
  sent.once('close', () => {
    if (!isAnswered) reject(new Error('the connection was closed before a response'))
  })
  pipeline(from, meter, sent, error => {
    if (error) reject(error)
  })
  return await promise
}
