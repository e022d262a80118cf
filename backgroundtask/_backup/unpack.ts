import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { createTarDecoder } from 'modern-tar'
import type { ParsedTarEntry } from 'modern-tar'
import type { Manifest } from './archive.ts'
import { FORMAT, MANIFEST } from './archive.ts'
import { sizeWords } from '../_task/settings.ts'

/** What an archive may grow to. The ratio counts from `RATIO_FROM` bytes on. */
export interface Caps { maxBytes: number, maxRatio: number }

export const CAPS: Caps = { maxBytes: 1024 ** 4, maxRatio: 1000 }
const RATIO_FROM = 64 * 1024 * 1024
const CHUNK = 256 * 1024
const MANIFEST_BYTES = 256 * 1024 * 1024

/** An archive that is damaged, or holds what must not be unpacked. */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused'
}

const refuse = (message: string): never => {
  throw new ArchiveRefused(message)
}

/** The parts of the path of an entry; refuses what would leave the folder it is unpacked to. */
export function partsOf (path: string): string[] {
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  const parts = bare.split('/')
  const bad = parts.some(part => part === '' || part === '.' || part === '..' || part.includes('\0') || (process.platform === 'win32' && /[\\:]/.test(part)))
  return bad ? refuse(`The archive holds the path '${path}', which leads out of its folder`) : parts
}

/** One file or folder of an archive; the body must be read to its end. */
export interface Entry { path: string, kind: 'file' | 'folder', body: ReadableStream<Uint8Array> }

function entryOf ({ header, body }: ParsedTarEntry): Entry {
  const path = partsOf(header.name).join('/')
  if (header.type === 'directory') return { path, kind: 'folder', body }
  return header.type === 'file' ? { path, kind: 'file', body } : refuse(`The archive holds '${header.name}', which is a ${header.type}, not a file`)
}

async function * chunksOf (handle: FileHandle): AsyncGenerator<Buffer> {
  for (let at = 0; ;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(CHUNK), 0, CHUNK, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

function guard (packed: number, { maxBytes, maxRatio }: Caps) {
  return async function * (source: AsyncIterable<Buffer>) {
    let bytes = 0
    for await (const chunk of source) {
      bytes += chunk.length
      if (bytes > maxBytes) refuse(`The archive is larger than ${sizeWords(maxBytes)} when unpacked`)
      if (bytes > RATIO_FROM && bytes > packed * maxRatio) refuse(`The archive grows more than ${maxRatio} times when unpacked`)
      yield chunk
    }
  }
}

/** Reads an archive entry by entry. Throws ArchiveRefused for links, devices, paths that lead out, and past the caps. */
export async function readArchive ({ handle, caps, signal, visit }: {
  handle: FileHandle
  caps: Caps
  signal: AbortSignal
  visit: (entry: Entry) => Promise<void>
}): Promise<void> {
  const { size } = await handle.stat()
  const decoder = createTarDecoder({ strict: true })
  const piped = pipeline(chunksOf(handle), createZstdDecompress(), guard(size, caps), Writable.fromWeb(decoder.writable), { signal }).then(() => null, (error: unknown) => ({ error }))
  const visited = await visitAll(decoder.readable, visit).then(() => null, (error: unknown) => ({ error }))
  const failed = await piped
  signal.throwIfAborted()
  // The pipe repeats the visitor's fault in other words, so the visitor's is looked at first.
  const faults = [visited, failed].filter(fault => fault !== null).map(({ error }) => error)
  const plain = faults.find(error => error instanceof ArchiveRefused || ofTheSystem(error))
  if (plain !== undefined) throw plain
  if (faults.length > 0) throw new ArchiveRefused('The archive is damaged', { cause: faults.at(-1) })
}

const ofTheSystem = (error: unknown) => error instanceof Error && 'syscall' in error

async function visitAll (entries: ReadableStream<ParsedTarEntry>, visit: (entry: Entry) => Promise<void>): Promise<void> {
  for await (const entry of entries) await visit(entryOf(entry))
}

async function hashOf (body: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of body) hash.update(chunk)
  return hash.digest('hex')
}

async function manifestOf (body: ReadableStream<Uint8Array>): Promise<Manifest> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > MANIFEST_BYTES) refuse('The manifest of the archive is too large')
    chunks.push(chunk)
  }
  const manifest = JSON.parse(Buffer.concat(chunks).toString()) as Manifest
  return manifest?.format === FORMAT && Array.isArray(manifest.files) ? manifest : refuse('The manifest of the archive is not one of offpeak')
}

function compare (manifest: Manifest, hashes: Map<string, string>): void {
  const wrong = manifest.files.filter(({ path, sha256 }) => hashes.get(path) !== sha256)
  if (wrong.length > 0) refuse(`${wrong.length} files of the archive differ from its manifest, the first is '${wrong[0]!.path}'`)
  if (hashes.size !== manifest.files.length) refuse('The archive holds files that are not in its manifest')
}

/** Reads a whole archive and compares every file with the manifest at its end, which it answers. */
export async function verify ({ handle, caps = CAPS, signal }: { handle: FileHandle, caps?: Caps, signal: AbortSignal }): Promise<Manifest> {
  const hashes = new Map<string, string>()
  const found: Manifest[] = []
  await readArchive({
    handle,
    caps,
    signal,
    visit: async ({ path, kind, body }) => {
      if (kind === 'folder') return body.cancel()
      if (found.length > 0 || hashes.has(path)) refuse(`The archive holds '${path}' where nothing, or something else, should be`)
      if (path === MANIFEST) found.push(await manifestOf(body))
      else hashes.set(path, await hashOf(body))
    }
  })
  const [manifest] = found
  if (manifest === undefined) return refuse('The archive has no manifest of offpeak')
  compare(manifest, hashes)
  return manifest
}
