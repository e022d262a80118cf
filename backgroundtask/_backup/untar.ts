import { nameFrom } from '../_files/names.ts'
import { BLOCK, TYPES, nanosecondsOf } from './tar.ts'
import type { Header, Kind } from './tar.ts'

/** A tar that is damaged or contains an unsupported entry; the message says which. */
export class TarRefused extends Error {
  override readonly name = 'TarRefused'
}

const refuse = (message: string): never => {
  throw new TarRefused(message)
}

/** An entry with its content, which must be read before the next entry is requested. */
export interface TarEntry extends Header {
  body: () => AsyncGenerator<Buffer>
}

/** Reads a stream of chunks in pieces of a requested size. */
class Bytes {
  readonly #source: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor (source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** Between 1 and `most` bytes; an empty buffer at the end. */
  async some (most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next()
      if (done === true) break
      this.#rest = value
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  /** Exactly `count` bytes; null at the end. Throws when the stream ends in between. */
  async exactly (count: number): Promise<Buffer | null> {
    const first = await this.some(count)
    if (first.length === count) return first
    const pieces = [first]
    let missing = count - first.length
    while (missing > 0) {
      const piece = await this.some(missing)
      if (piece.length === 0) return missing === count ? null : refuse('The archive ends in the middle')
      pieces.push(piece)
      missing -= piece.length
    }
    return Buffer.concat(pieces)
  }

  /** Closes the source. */
  async close (): Promise<void> {
    await this.#source.return?.()
  }
}

const text = (bytes: Buffer) => {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

function octal (bytes: Buffer): number {
  const digits = text(bytes).toString('latin1').trim()
  return digits === ''
    ? 0
    : /^[0-7]+$/.test(digits)
    ? Number.parseInt(digits, 8)
    : refuse('The archive has a header that is damaged')
}

function checked (bytes: Buffer): Buffer {
  const sum = octal(bytes.subarray(148, 156))
  let own = 8 * 32
  for (let at = 0; at < BLOCK; at++) if (at < 148 || at >= 156) own += bytes[at]!
  return sum === own ? bytes : refuse('The archive has a header that is damaged')
}

/** The records of an extended header, by key. */
function recordsOf (bytes: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at)
    const length = Number(bytes.subarray(at, space).toString('latin1'))
    const equals = bytes.indexOf(61, space)
    const bad = space < 0 || !Number.isSafeInteger(length) || length < 5 || at + length > bytes.length || equals < 0 ||
      equals > at + length || bytes[at + length - 1] !== 10
    if (bad) refuse('The archive has an extended header that is damaged')
    records.set(bytes.subarray(space + 1, equals).toString(), bytes.subarray(equals + 1, at + length - 1))
    at += length
  }
  return records
}

const WORDS: Record<string, string> = { 1: 'hard link', 2: 'link', 3: 'device', 4: 'device', 6: 'fifo' }
const KINDS = new Map(Object.entries(TYPES).map(([kind, type]) => [type, kind as Kind]))
const MOST_RECORDS = 1024 * 1024

function entryOf (bytes: Buffer, more: Map<string, Buffer>): Header {
  const numberOf = (key: string, plain: number) => {
    const value = more.get(key)?.toString()
    return value === undefined
      ? plain
      : /^\d{1,16}$/.test(value)
      ? Number(value)
      : refuse('The archive has an extended header that is damaged')
  }
  const prefix = bytes.subarray(257, 263).toString('latin1') === 'ustar\0'
    ? text(bytes.subarray(345, 500))
    : Buffer.alloc(0)
  const own = text(bytes.subarray(0, 100))
  const raw = nameFrom(more.get('path') ?? (prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), own]) : own))
  const type = String.fromCharCode(bytes[156]!).replace('\0', '0')
  const kind = KINDS.get(type) ??
    refuse(`The archive contains '${raw}', which is a ${WORDS[type] ?? `thing of type '${type}'`}, not a file`)
  const size = numberOf('size', octal(bytes.subarray(124, 136)))
  const to = nameFrom(more.get('linkpath') ?? text(bytes.subarray(157, 257)))
  const mtime = nanosecondsOf(more.get('mtime')?.toString() ?? String(octal(bytes.subarray(136, 148)))) ??
    refuse('The archive has an extended header that is damaged')
  return {
    path: raw,
    kind,
    size: kind === 'file' ? size : 0,
    mode: octal(bytes.subarray(100, 108)) & 0o7777,
    uid: numberOf('uid', octal(bytes.subarray(108, 116))),
    gid: numberOf('gid', octal(bytes.subarray(116, 124))),
    mtime,
    ...(kind === 'hard' || kind === 'link' ? { to } : {})
  }
}

async function extended (bytes: Bytes, header: Buffer): Promise<Map<string, Buffer>> {
  const size = octal(header.subarray(124, 136))
  if (size > MOST_RECORDS) refuse('The archive has an extended header that is too large')
  const body = await bytes.exactly(size)
  await bytes.exactly((BLOCK - size % BLOCK) % BLOCK)
  return body === null ? refuse('The archive ends in the middle') : recordsOf(body)
}

/** Yields the entries of a tar, in order. Throws TarRefused when it is truncated, damaged, or contains entries other
 *  than files, folders and links. */
export async function* readTar (source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const bytes = new Bytes(source)
  let more = new Map<string, Buffer>()
  try {
    for (;;) {
      const header = await bytes.exactly(BLOCK)
      if (header === null) return refuse('The archive ends in the middle')
      if (header.every(byte => byte === 0)) break
      const type = String.fromCharCode(checked(header)[156]!)
      if (type === 'x') more = await extended(bytes, header)
      else if (type === 'g') await extended(bytes, header)
      else {
        yield* one(bytes, entryOf(header, more))
        more = new Map()
      }
    }
    // Only padding may follow the end.
    for (let rest = await bytes.some(BLOCK); rest.length > 0; rest = await bytes.some(BLOCK)) {
      if (rest.some(byte => byte !== 0)) refuse('The archive continues after its end')
    }
  } finally {
    await bytes.close()
  }
}

async function* one (bytes: Bytes, entry: Header): AsyncGenerator<TarEntry> {
  let left = entry.size
  const body = async function* () {
    while (left > 0) {
      const piece = await bytes.some(left)
      if (piece.length === 0) refuse('The archive ends in the middle')
      left -= piece.length
      yield piece
    }
  }
  yield { ...entry, body }
  for await (const _ of body()) { /* skips the rest of the content */ }
  const fill = (BLOCK - entry.size % BLOCK) % BLOCK
  if (fill > 0 && await bytes.exactly(fill) === null) refuse('The archive ends in the middle')
}
