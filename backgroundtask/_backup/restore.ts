import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, matchesGlob, resolve } from 'node:path'
import type { Manifest, PackedFile } from './archive.ts'
import { MANIFEST } from './archive.ts'
import type { Folder } from '../_files/folder.ts'
import { openFolder } from '../_files/root.ts'
import { codeOf } from '../_task/settings.ts'
import { ArchiveRefused, CAPS, partsOf, readArchive, verify } from './unpack.ts'
import type { Caps, Entry } from './unpack.ts'
import { inFolder } from '../_files/walk.ts'

export interface RestoreAsk {
  /** The archive's file. */
  archive: string
  /** The folder to unpack to; it is made when it is missing. */
  into: string
  /** Paths, folders or globs; everything when left out. */
  only?: string[] | undefined
  /** What happens to a file that is already there: the whole restore is refused, or it is replaced. */
  existing?: 'refuse' | 'replace' | undefined
  caps?: Partial<Caps> | undefined
  signal?: AbortSignal | undefined
  onBytes?: (bytes: number, path: string) => void
}

const wanted = (path: string, only: string[] | undefined) =>
  only === undefined || only.some(one => path === one || path.startsWith(one.endsWith('/') ? one : `${one}/`) || matchesGlob(path, one))

/** Enters the folder at a path, making what is missing of it; throws when a part is a link or a file. */
async function making<T> (root: Folder, parts: string[], act: (folder: Folder) => Promise<T>): Promise<T> {
  const [first, ...rest] = parts
  if (first === undefined) return act(root)
  await root.make(first).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  return inFolder(root, first, inner => making(inner, rest, act))
}

async function isThere (root: Folder, path: string): Promise<boolean> {
  const parts = partsOf(path)
  try {
    return await inFolder(root, parts.slice(0, -1).join('/'), async folder => await folder.stat(parts.at(-1)!) !== null)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

async function refuseExisting (root: Folder, files: PackedFile[]): Promise<void> {
  for (const { path } of files) {
    if (await isThere(root, path)) throw new ArchiveRefused(`'${path}' is already there; nothing was restored`)
  }
}

async function copy (out: FileHandle, { body, file, onBytes }: { body: Entry['body'], file: PackedFile, onBytes: RestoreAsk['onBytes'] }): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of body) {
    hash.update(chunk)
    await out.writeFile(chunk)
    onBytes?.(chunk.length, file.path)
  }
  if (hash.digest('hex') !== file.sha256) throw new ArchiveRefused(`'${file.path}' changed while it was restored`)
  await out.chmod(file.mode & 0o777)
  await out.utimes(new Date(), new Date(file.mtime))
  await out.sync()
}

async function restoreFile (root: Folder, { entry, file, onBytes }: { entry: Entry, file: PackedFile, onBytes: RestoreAsk['onBytes'] }): Promise<void> {
  const parts = partsOf(file.path)
  const name = parts.at(-1)!
  await making(root, parts.slice(0, -1), async folder => {
    const temp = `.offpeak-restore-${process.pid}.part`
    await folder.remove(temp)
    const out = await folder.create(temp)
    try {
      await copy(out, { body: entry.body, file, onBytes }).finally(() => out.close())
      await folder.rename(temp, name)
      await folder.sync()
    } catch (error) {
      await folder.remove(temp)
      throw error
    }
  })
}

async function unpack (handle: FileHandle, { root, manifest, ask, caps, signal }: {
  root: Folder, manifest: Manifest, ask: RestoreAsk, caps: Caps, signal: AbortSignal
}): Promise<{ files: number, bytes: number }> {
  const files = new Map(manifest.files.filter(({ path }) => wanted(path, ask.only)).map(file => [file.path, file]))
  if (ask.existing !== 'replace') await refuseExisting(root, [...files.values()])
  const sum = { files: 0, bytes: 0 }
  const visit = async (entry: Entry) => {
    const file = entry.path === MANIFEST ? undefined : files.get(entry.path)
    if (entry.kind === 'folder' && wanted(entry.path, ask.only)) await making(root, partsOf(entry.path), async () => {})
    if (entry.kind === 'folder' || file === undefined) return entry.body.cancel()
    await restoreFile(root, { entry, file, onBytes: ask.onBytes })
    sum.files++
    sum.bytes += file.size
  }
  await readArchive({ handle, caps, signal, visit })
  return sum
}

/** Unpacks an archive that `backup_data` made. It is read and verified to its end before the first file is written;
 *  links, paths that lead out of `into`, and growth past the caps are refused. */
export async function restore (ask: RestoreAsk): Promise<{ files: number, bytes: number, manifest: Manifest }> {
  const signal = ask.signal ?? new AbortController().signal
  const caps = { ...CAPS, ...ask.caps }
  const folder = await openFolder(dirname(resolve(ask.archive)))
  const handle = await folder.read(basename(ask.archive)).finally(() => folder.close())
  try {
    const manifest = await verify({ handle, caps, signal })
    await mkdir(ask.into, { recursive: true })
    const root = await openFolder(ask.into)
    const sum = await unpack(handle, { root, manifest, ask, caps, signal }).finally(() => root.close())
    return { ...sum, manifest }
  } finally {
    await handle.close()
  }
}
