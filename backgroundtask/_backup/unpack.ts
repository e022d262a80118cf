import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { shown } from '../_files/names.ts'
import { sizeWords } from '../_task/settings.ts'
import { FORMAT, MANIFEST } from './manifest.ts'
import type { Manifest, PackedLink } from './manifest.ts'
import { TarRefused, readTar } from './untar.ts'
import type { TarEntry } from './untar.ts'

/** The limits of an unpacked archive. The ratio applies beyond `RATIO_FROM` bytes. */
export interface Caps {
  maxBytes: number
  maxRatio: number
}

export const CAPS: Caps = { maxBytes: 1024 ** 4, maxRatio: 1000 }
const RATIO_FROM = 64 * 1024 * 1024
const CHUNK = 256 * 1024
const MANIFEST_BYTES = 256 * 1024 * 1024

/** An archive that is damaged, or contains entries that must not be unpacked. */
export class ArchiveRefused extends Error {
  override readonly name = 'ArchiveRefused'
}

const refuse = (message: string): never => {
  throw new ArchiveRefused(message)
}

/** The parts of the path of an entry. Throws for a path that leads out of the target folder. */
function partsOf (path: string): string[] {
  const bare = path.endsWith('/') ? path.slice(0, -1) : path
  const parts = bare.split('/')
  const bad = parts.some(part =>
    part === '' || part === '.' || part === '..' || part.includes('\0') ||
    (process.platform === 'win32' && /[\\:]/.test(part))
  )
  return bad ? refuse(`The archive contains the path '${shown(path)}', which leads out of its folder`) : parts
}

/** One entry of an archive. Its path has no slash at the end. */
export type Entry = TarEntry

function entryOf (entry: TarEntry): Entry {
  const path = partsOf(entry.path).join('/')
  return { ...entry, path, ...(entry.kind === 'hard' ? { to: partsOf(entry.to ?? '').join('/') } : {}) }
}

async function* chunksOf (handle: FileHandle): AsyncGenerator<Buffer> {
  for (let at = 0;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(CHUNK), 0, CHUNK, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

function guard (packed: number, { maxBytes, maxRatio }: Caps) {
  return async function* (source: AsyncIterable<Buffer>) {
    let bytes = 0
    for await (const chunk of source) {
      bytes += chunk.length
      if (bytes > maxBytes) refuse(`The archive is larger than ${sizeWords(maxBytes)} when unpacked`)
      if (bytes > RATIO_FROM && bytes > packed * maxRatio) {
        refuse(
          `The archive expands more than ${maxRatio} times: put its .json beside it, or raise max_ratio`
        )
      }
      yield chunk
    }
  }
}

/** Calls `visit` with each entry, in order. Throws ArchiveRefused for devices, for paths that lead out, and beyond the
 *  limits. */
export async function readArchive ({ handle, caps, signal, visit }: {
  handle: FileHandle
  caps: Caps
  signal: AbortSignal
  visit: (entry: Entry) => Promise<void>
}): Promise<void> {
  const { size } = await handle.stat()
  const visits: { error: unknown }[] = []
  const read = async (source: AsyncIterable<Buffer>) => {
    for await (const entry of readTar(source)) {
      await visit(entryOf(entry)).catch((error: unknown) => {
        visits.push({ error })
        throw error
      })
    }
  }
  try {
    await pipeline(chunksOf(handle), createZstdDecompress(), guard(size, caps), read, { signal })
  } catch (error) {
    signal.throwIfAborted()
    const cause = visits[0]?.error ?? error
    if (cause instanceof ArchiveRefused || ofTheSystem(cause)) throw cause
    throw new ArchiveRefused(cause instanceof TarRefused ? cause.message : 'The archive is damaged', { cause })
  }
}

const ofTheSystem = (error: unknown) => error instanceof Error && 'syscall' in error

async function hashOf (entry: Entry): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of entry.body()) hash.update(chunk)
  return hash.digest('hex')
}

const isPair = (one: unknown): boolean => {
  const { path, to } = (one ?? {}) as Partial<PackedLink>
  return typeof path === 'string' && typeof to === 'string'
}

async function manifestOf (entry: Entry): Promise<Manifest> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of entry.body()) {
    bytes += chunk.length
    if (bytes > MANIFEST_BYTES) refuse('The manifest of the archive is too large')
    chunks.push(chunk)
  }
  const manifest = JSON.parse(Buffer.concat(chunks).toString()) as Manifest
  const fits = manifest?.format === FORMAT && Array.isArray(manifest.files) &&
    [manifest.links ?? [], manifest.hard_links ?? []].every(list => Array.isArray(list) && list.every(isPair))
  return fits ? manifest : refuse('The archive was not made by offpeak: its manifest is invalid')
}

/** The contents of an archive, by path: hashes of files, texts of links. */
interface Contents {
  files: Map<string, string>
  links: Map<string, string>
  hard: Map<string, string>
  folders: Set<string>
}

function compareLinks (found: Map<string, string>, listed: readonly PackedLink[]): void {
  const wrong = listed.filter(({ path, to }) => found.get(path) !== to)
  if (wrong.length > 0) {
    refuse(`${wrong.length} links of the archive differ from its manifest, the first is '${shown(wrong[0]!.path)}'`)
  }
  const [extra] = [...found.keys()].filter(path => !listed.some(one => one.path === path)).slice(0, 1)
  if (found.size !== listed.length) {
    refuse(`The archive contains '${shown(extra ?? '')}', a link that is not in its manifest`)
  }
}

function compare (manifest: Manifest, { files, links, hard, folders }: Contents): void {
  const wrong = manifest.files.filter(({ path, sha256 }) => files.get(path) !== sha256)
  if (wrong.length > 0) {
    refuse(`${wrong.length} files of the archive differ from its manifest, the first is '${shown(wrong[0]!.path)}'`)
  }
  if (files.size !== manifest.files.length) refuse('The archive contains files that are not in its manifest')
  compareLinks(links, manifest.links ?? [])
  compareLinks(hard, manifest.hard_links ?? [])
  const solid = (path: string) => files.has(path) || links.has(path) || hard.has(path)
  for (const path of [...files.keys(), ...links.keys(), ...hard.keys(), ...folders]) {
    const parts = path.split('/')
    const below = parts.findIndex((_, index) => index > 0 && solid(parts.slice(0, index).join('/')))
    if (below >= 0) {
      refuse(
        `The archive contains '${shown(path)}' below '${shown(parts.slice(0, below).join('/'))}', which is not a folder`
      )
    }
    if (folders.has(path) && solid(path)) refuse(`The archive contains '${shown(path)}' twice`)
  }
}

async function take (entry: Entry, contents: Contents): Promise<void> {
  const { path, kind, to = '' } = entry
  if (kind === 'folder') return void contents.folders.add(path)
  if (contents.files.has(path) || contents.links.has(path) || contents.hard.has(path)) {
    refuse(`The archive contains '${shown(path)}' twice`)
  }
  if (kind === 'file') contents.files.set(path, await hashOf(entry))
  else if (kind === 'link') contents.links.set(path, to)
  else if (contents.files.has(to)) contents.hard.set(path, to)
  else refuse(`The archive contains '${shown(path)}', another name of '${shown(to)}', which is missing`)
}

/** Reads a whole archive, compares every entry with the manifest at its end, and resolves to the manifest. Throws
 *  ArchiveRefused. */
export async function verify (
  { handle, caps = CAPS, signal }: { handle: FileHandle, caps?: Caps, signal: AbortSignal }
): Promise<Manifest> {
  const contents: Contents = { files: new Map(), links: new Map(), hard: new Map(), folders: new Set() }
  const found: Manifest[] = []
  await readArchive({
    handle,
    caps,
    signal,
    visit: async entry => {
      if (found.length > 0) refuse(`The archive contains '${shown(entry.path)}' after its manifest`)
      if (entry.path === MANIFEST && entry.kind === 'file') found.push(await manifestOf(entry))
      else await take(entry, contents)
    }
  })
  const [manifest] = found
  if (manifest === undefined) return refuse('The archive was not made by offpeak: it has no manifest')
  compare(manifest, contents)
  return manifest
}
