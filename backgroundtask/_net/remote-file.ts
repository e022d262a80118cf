import type { OutgoingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createUnzip, createZstdDecompress } from 'node:zlib'
import type { Folder } from '../_files/folder.ts'
import { readWhole } from '../_files/whole.ts'
import type { Answer } from './web.ts'

const STATE_LIMIT = 64 * 1024

/** The stored state of a fetched file, or of a part. */
export interface State {
  url: string
  etag: string | null
  last_modified: string | null
  bytes: number
  sha256: string | null
}

/** An answer without a usable file. `retryAfter` is in seconds. */
export class AnswerRefused extends Error {
  override readonly name = 'AnswerRefused'
  readonly status: number
  readonly retryAfter: number | null

  constructor (
    { status, message, retryAfter = null }: { status: number, message: string, retryAfter?: number | null }
  ) {
    super(message)
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** The stored state of a URL; null when there is none or it belongs to another URL. */
export async function stateOf (folder: Folder, { file, url }: { file: string, url: string }): Promise<State | null> {
  const text = await readWhole(folder, file, STATE_LIMIT)
  try {
    const state = JSON.parse(text ?? 'null') as State | null
    return state?.url === url ? state : null
  } catch {
    return null
  }
}

/** The validator for a range request; a weak one does not guarantee the same bytes (RFC 9110, 13.1.5). */
const strong = (state: State | null): string | null =>
  state?.etag === undefined || state.etag === null || state.etag.startsWith('W/')
    ? state?.last_modified ?? null
    : state.etag

/** The state of a new answer, without size and hash. */
export const stateFrom = (url: string, { headers }: Answer): State => ({
  url,
  etag: headers.etag ?? null,
  last_modified: headers['last-modified'] ?? null,
  bytes: 0,
  sha256: null
})

/** The headers of a conditional or range request. */
export function conditions (
  { have, part, partBytes }: { have: State | null, part: State | null, partBytes: number }
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {}
  if (have?.etag) headers['if-none-match'] = have.etag
  else if (have?.last_modified) headers['if-modified-since'] = have.last_modified
  const validator = strong(part)
  if (partBytes > 0 && validator !== null) {
    Object.assign(headers, { range: `bytes=${partBytes}-`, 'if-range': validator })
  }
  return headers
}

/** The longest wait that a server can request, in seconds. */
const LONGEST_WAIT = 86_400

/** The seconds of a Retry-After header (a number or a date), or null. */
export function waitOf (header: string | undefined, now: number): number | null {
  if (header === undefined) return null
  const wait = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1000
  return wait > 0 ? Math.min(LONGEST_WAIT, Math.ceil(wait)) : null
}

/** Throws AnswerRefused for an answer. */
export function refuse ({ status, headers }: Answer): never {
  throw new AnswerRefused({
    status,
    message: `The server answered ${status}`,
    retryAfter: waitOf(headers['retry-after'], Date.now())
  })
}

/** The first byte and the total size from a Content-Range header. */
export const rangeOf = ({ status, headers }: Answer): { start?: number, total?: number } => {
  const [, start, total] = status === 206 ? headers['content-range']?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? [] : []
  return {
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(total === undefined || total === '*' ? {} : { total: Number(total) })
  }
}

const same = (header: string | undefined, known: string | null | undefined): boolean =>
  header === undefined || known === null || header === known

/** The position at which to write the body, or null when it does not continue the part. */
export function startOf (
  answer: Answer,
  { part, partBytes }: { part: State | null, partBytes: number }
): number | null {
  if (answer.status === 200) return 0
  const { etag, 'last-modified': modified } = answer.headers
  return rangeOf(answer).start === partBytes && same(etag, part?.etag) && same(modified, part?.last_modified)
    ? partBytes
    : null
}

const UNPACK = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createUnzip,
  br: createBrotliDecompress,
  zstd: createZstdDecompress
} as const
/** Files that servers send unchanged but label as compressed. */
const PACKED = /\.(gz|tgz|br|zst|tzst|z)$/i

/** The compression of a body, although the request excludes it; null for none. */
export function codingOf (ask: { name: string, url: string }, { headers }: Answer): keyof typeof UNPACK | null {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (coding === 'identity' || coding === '' || PACKED.test(ask.name) ||
    PACKED.test(URL.parse(ask.url)?.pathname ?? '')) return null
  if (Object.hasOwn(UNPACK, coding)) return coding as keyof typeof UNPACK
  throw new AnswerRefused({
    status: 415,
    message: `The server compressed the file with '${coding.slice(0, 50)}', although the request excludes that`
  })
}

/** The decompressed body. */
export const bodyOf = (coding: ReturnType<typeof codingOf>, { body }: Answer): AsyncIterable<Buffer> =>
  coding === null ? body : pipeline(body, UNPACK[coding](), () => undefined)
