import { mkdir, statfs } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { Folder } from '../_files/folder.ts'
import { includer } from '../_files/match.ts'
import { shown } from '../_files/names.ts'
import { openFolder } from '../_files/root.ts'
import { inFolder, splitPath } from '../_files/walk.ts'
import { codeOf, sizeWords } from '../_task/settings.ts'
import { archiveHash, sideManifest } from './backups.ts'
import { MANIFEST } from './manifest.ts'
import type { Manifest, PackedFile } from './manifest.ts'
import { Placer } from './place.ts'
import { ArchiveRefused, CAPS, readArchive, verify } from './unpack.ts'
import type { Caps, Entry } from './unpack.ts'

interface RestoreAsk {
  /** The path of the archive. */
  archive: string
  /** The folder to unpack to, created if it is missing. */
  into: string
  /** Paths, folders or globs; default: everything. */
  only?: string[] | undefined
  /** If a file exists: refuse the whole restore, or replace the file. */
  existing?: 'refuse' | 'replace' | undefined
  caps?: Partial<Caps> | undefined
  /** Opens the folder to unpack to. May throw PathRefused. */
  open?: ((path: string) => Promise<Folder>) | undefined
  /** Creates that folder if it is missing; resolves to true if it was. */
  make?: ((path: string) => Promise<boolean>) | undefined
  /** Opens the folder of the archive. May throw PathRefused. */
  openArchive?: ((path: string, name: string) => Promise<Folder>) | undefined
  signal?: AbortSignal | undefined
  onBytes?: (bytes: number, path: string) => void
}

/** The result of a restore. `troubles`: entries that differ from the archive. `damaged`: files of which the backup
 *  contains only parts. */
export interface Restored {
  files: number
  links: number
  bytes: number
  manifest: Manifest
  troubles: string[]
  more_troubles: number
  damaged: string[]
}

const makeFolder = async (path: string) => await mkdir(path, { recursive: true }) !== undefined

type Wanted = (path: string) => boolean

/** Returns a test for the requested paths: named directly, below a named folder, or matched by a glob. */
function wantedBy ({ source }: Manifest, only: string[] | undefined): Wanted {
  if (only === undefined) return () => true
  const bare = only.map(one => (one.startsWith(`${source}/`) ? one.slice(source.length) : one).replace(/\/+$/, ''))
  const { names } = includer(bare, { dots: true })
  return path => {
    const parts = path.split('/')
    return parts.some((_, index) => names(parts.slice(0, index + 1).join('/')))
  }
}

async function isThere (root: Folder, path: string): Promise<boolean> {
  const [outer, name] = splitPath(path)
  try {
    return await inFolder(root, outer, async folder => await folder.stat(name) !== null)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

async function refuseExisting (root: Folder, paths: string[]): Promise<void> {
  for (const path of paths) {
    if (await isThere(root, path)) throw new ArchiveRefused(`'${shown(path)}' exists; nothing was restored`)
  }
}

/** The entries to unpack. `files`: by the path in the archive, the file and the names it gets. */
interface Plan {
  files: Map<string, { file: PackedFile, names: string[] }>
  links: Set<string>
  folders: Wanted
  bytes: number
}

function planOf (manifest: Manifest, wanted: Wanted): Plan {
  const names = new Map(manifest.files.map(file => [file.path, { file, names: wanted(file.path) ? [file.path] : [] }]))
  for (const { path, to } of manifest.hard_links ?? []) if (wanted(path)) names.get(to)?.names.push(path)
  const files = new Map([...names].filter(([, one]) => one.names.length > 0))
  const bytes = [...files.values()].reduce((sum, { file }) => sum + Math.min(file.size, file.allocated ?? file.size), 0)
  return {
    files,
    links: new Set((manifest.links ?? []).map(({ path }) => path).filter(wanted)),
    folders: wanted,
    bytes
  }
}

const pathsOf = ({ files, links }: Plan) => [...[...files.values()].flatMap(({ names }) => names), ...links]

/** Throws ArchiveRefused when the files do not fit on the disk. */
async function checkRoom (root: Folder, { bytes }: Plan): Promise<void> {
  const room = await statfs(root.path).then(({ bavail, bsize }) => bavail * bsize, () => Infinity)
  if (bytes > room) {
    throw new ArchiveRefused(
      `The files are ${sizeWords(bytes)}, and ${root.path} has room for ${sizeWords(room)}; nothing was restored`
    )
  }
}

async function unpack (handle: FileHandle, { root, manifest, ask, caps, signal, made }: {
  root: Folder
  manifest: Manifest
  ask: RestoreAsk
  caps: Caps
  signal: AbortSignal
  made: boolean
}): Promise<Omit<Restored, 'manifest'>> {
  const plan = planOf(manifest, wantedBy(manifest, ask.only))
  if (ask.only !== undefined && pathsOf(plan).length + manifest.folders.filter(plan.folders).length === 0) {
    throw new ArchiveRefused(
      `No entry of the archive matches ${ask.only.slice(0, 3).map(one => `'${shown(one)}'`).join(', ')}`
    )
  }
  if (ask.existing !== 'replace') await refuseExisting(root, pathsOf(plan))
  await checkRoom(root, plan)
  const placer = new Placer({
    root,
    onBytes: ask.onBytes ?? (() => undefined),
    signal,
    replace: ask.existing === 'replace'
  })
  const visit = async (entry: Entry) => {
    const wanted = plan.files.get(entry.path)
    if (entry.kind === 'file' && entry.path !== MANIFEST && wanted !== undefined) await placer.file(entry, wanted)
    if (entry.kind === 'link' && plan.links.has(entry.path)) await placer.link(entry)
    if (entry.kind === 'folder' && plan.folders(entry.path)) await placer.folder(entry)
  }
  await readArchive({ handle, caps, signal, visit })
  await placer.finish(made && ask.only === undefined ? manifest.root : undefined)
  const damaged = [...plan.files.values()].filter(({ file }) => file.damaged !== undefined).map(({ names }) =>
    names[0]!
  )
  return { ...placer.sum, damaged: damaged.map(shown) }
}

/** The limits of an archive: the size in the manifest beside it, if that manifest belongs to the archive, and the given
 *  ones otherwise. */
async function capsFor (
  { folder, handle, name, caps, signal }: { folder: Folder, handle: FileHandle, name: string, caps: Caps,
    signal: AbortSignal }
): Promise<Caps> {
  const side = await sideManifest(folder, name)
  const { size } = await handle.stat()
  if (side === null || side.archive.bytes !== size || side.archive.sha256 !== await archiveHash(handle, signal)) {
    return caps
  }
  // Older manifests do not contain the size: the largest possible size of headers and padding is added.
  const known = side.archive.unpacked ??
    side.bytes + 8192 * (side.files.length + side.folders.length + 16) + 2 * JSON.stringify(side).length
  return { maxBytes: Math.min(caps.maxBytes, known), maxRatio: Infinity }
}

/** Unpacks an archive of `backup_data`. The whole archive is verified before the first file is written. Links are
 *  created but never followed. Throws ArchiveRefused for paths that lead out of `into`, and beyond the limits. */
export async function restore (ask: RestoreAsk): Promise<Restored> {
  const signal = ask.signal ?? new AbortController().signal
  const name = basename(ask.archive)
  const folder = await (ask.openArchive ?? openFolder)(dirname(resolve(ask.archive)), name)
  try {
    const handle = await folder.read(name).catch((error: unknown) => {
      // The path in the error is not the one that was given.
      if (codeOf(error) === 'ENOENT') throw new ArchiveRefused(`There is no file '${shown(ask.archive)}'`)
      throw error
    })
    try {
      const caps = await capsFor({ folder, handle, name, signal, caps: { ...CAPS, ...ask.caps } })
      const manifest = await verify({ handle, caps, signal })
      const made = await (ask.make ?? makeFolder)(ask.into)
      const root = await (ask.open ?? openFolder)(ask.into)
      const sum = await unpack(handle, { root, manifest, ask, caps, signal, made }).finally(() => root.close())
      return { ...sum, manifest }
    } finally {
      await handle.close()
    }
  } finally {
    await folder.close()
  }
}
