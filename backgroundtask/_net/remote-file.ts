import type { OutgoingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createUnzip, createZstdDecompress } from 'node:zlib'
import type { Folder } from '../_files/folder.ts'
import { readWhole } from '../_files/whole.ts'
import type { Answer } from './web.ts'

const STATE_LIMIT = 64 * 1024

/** What is known of a file that was fetched, or of the part of one. */
export interface State {
  url: string
  etag: string | null
  last_modified: string | null
  bytes: number
  sha256: string | null
}

/** An answer that is no file; `retryAfter` is in seconds. */
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

export async function stateOf (folder: Folder, { file, url }: { file: string, url: string }): Promise<State | null> {
  const text = await readWhole(folder, file, STATE_LIMIT)
  try {
    const state = JSON.parse(text ?? 'null') as State | null
    return state?.url === url ? state : null
  } catch {
    return null
  }
}

/** The validator that may join two parts: a weak one does not promise the same bytes (RFC 9110, 13.1.5). */
const strong = (state: State | null): string | null =>
  state?.etag === undefined || state.etag === null || state.etag.startsWith('W/')
    ? state?.last_modified ?? null
    : state.etag

export const stateFrom = (url: string, { headers }: Answer): State => ({
  url,
  etag: headers.etag ?? null,
  last_modified: headers['last-modified'] ?? null,
  bytes: 0,
  sha256: null
})

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

/** No server is waited for longer than this, seconds: it is tried again then, whatever it has asked for. */
const LONGEST_WAIT = 86_400

/** How long a server asks to be left alone, seconds: it says so, or until when; null: it says neither. */
export function waitOf (asked: string | undefined, now: number): number | null {
  if (asked === undefined) return null
  const wait = /^\d+$/.test(asked.trim()) ? Number(asked) : (Date.parse(asked) - now) / 1000
  return wait > 0 ? Math.min(LONGEST_WAIT, Math.ceil(wait)) : null
}

export function refuse ({ status, headers }: Answer): never {
  throw new AnswerRefused({
    status,
    message: `The server answered ${status}`,
    retryAfter: waitOf(headers['retry-after'], Date.now())
  })
}

export const rangeOf = ({ status, headers }: Answer): { start?: number, total?: number } => {
  const [, start, total] = status === 206 ? headers['content-range']?.match(/^bytes (\d+)-\d+\/(\d+|\*)$/) ?? [] : []
  return {
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(total === undefined || total === '*' ? {} : { total: Number(total) })
  }
}

const same = (said: string | undefined, known: string | null | undefined): boolean =>
  said === undefined || known === null || said === known

/** Where the body is to be put, or null when it does not fit the part that is there. */
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
/** Files that servers send as they are, and call packed all the same. */
const PACKED = /\.(gz|tgz|br|zst|tzst|z)$/i

/** How a server has packed the body although it was asked not to; null for one that comes as it is. */
export function codingOf (ask: { name: string, url: string }, { headers }: Answer): keyof typeof UNPACK | null {
  const coding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (coding === 'identity' || coding === '' || PACKED.test(ask.name) ||
    PACKED.test(URL.parse(ask.url)?.pathname ?? '')) return null
  if (Object.hasOwn(UNPACK, coding)) return coding as keyof typeof UNPACK
  throw new AnswerRefused({
    status: 415,
    message: `The server sends the file packed as '${coding.slice(0, 50)}', although it was asked not to`
  })
}

/** The body as the server means it: unpacked, when it is packed on the way. */
export const bodyOf = (coding: ReturnType<typeof codingOf>, { body }: Answer): AsyncIterable<Buffer> =>
  coding === null ? body : pipeline(body, UNPACK[coding](), () => undefined)
