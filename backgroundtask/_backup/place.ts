import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { dress } from '../_files/dress.ts'
import type { Meta } from '../_files/dress.ts'
import { NO_LINKS } from '../_files/folder.ts'
import { removeAbandoned } from '../_files/whole.ts'
import type { Folder } from '../_files/folder.ts'
import { shown } from '../_files/names.ts'
import { inFolder, splitPath, makeFolder } from '../_files/walk.ts'
import { codeOf, messageOf } from '../_task/settings.ts'
import type { Manifest, PackedFile } from './manifest.ts'
import { secondsOf } from './tar.ts'
import { ArchiveRefused } from './unpack.ts'
import type { Entry } from './unpack.ts'

const HOLE = 4096
/** Errors of the whole disk: the next file would fail too. */
const DISK_ERRORS = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']
const MOST = 1000
const PART = { before: '.offpeak-restore-', after: '.part' }
const TEMP = `${PART.before}${process.pid}${PART.after}`

const metaOf = ({ mode, uid, gid, mtime }: Entry): Meta => ({ mode, uid, gid, seconds: secondsOf(mtime) })

/** Writes a chunk at a position. With `holes`, pages of zeros are left out. */
async function writeAt (out: FileHandle, chunk: Buffer, { at, holes }: { at: number, holes: boolean }): Promise<void> {
  for (let from = 0; from < chunk.length;) {
    const page = Math.min(HOLE - (at + from) % HOLE, chunk.length - from)
    const empty = (start: number, length: number) =>
      holes && chunk.subarray(start, start + length).every(byte => byte === 0)
    if (empty(from, page)) {
      from += page
      continue
    }
    let end = holes ? from + page : chunk.length
    while (end < chunk.length && !empty(end, Math.min(HOLE, chunk.length - end))) {
      end += Math.min(HOLE, chunk.length - end)
    }
    for (let done = from; done < end;) done += (await out.write(chunk, done, end - done, at + done)).bytesWritten
    from = end
  }
}

async function copyOf (
  from: Folder,
  { old, folder, temp, meta }: { old: string, folder: Folder, temp: string, meta: Meta }
): Promise<string | null> {
  await using source = await from.read(old)
  await using out = await folder.create(temp)
  for await (const chunk of source.createReadStream({ autoClose: false })) await out.writeFile(chunk as Buffer)
  const lost = await dress(out, meta)
  await out.sync()
  return lost
}

/** Writes the entries of an archive to an open folder. Entries that cannot be written are listed in `troubles`; the
 *  others are written. */
export class Placer {
  readonly sum = { files: 0, links: 0, bytes: 0, troubles: [] as string[], more_troubles: 0 }
  readonly #root: Folder
  readonly #onBytes: (bytes: number, path: string) => void
  readonly #signal: AbortSignal
  readonly #replace: boolean
  /** The folder of the last entry. */
  #outer: string | null = null
  readonly #folders: { path: string, meta: Meta }[] = []

  constructor (
    { root, onBytes, signal, replace }: { root: Folder, onBytes: (bytes: number, path: string) => void,
      signal: AbortSignal, replace: boolean }
  ) {
    this.#root = root
    this.#onBytes = onBytes
    this.#signal = signal
    this.#replace = replace
  }

  #trouble (path: string, error: unknown): void {
    this.#signal.throwIfAborted()
    if (error instanceof ArchiveRefused || codeOf(error) === '' || DISK_ERRORS.includes(codeOf(error))) throw error
    this.#note(`${shown(path)}: ${messageOf(error)}`)
  }

  #lost (path: string, lost: string | null): void {
    if (lost !== null) this.#note(`${shown(path)}: the disk does not keep its ${lost}`)
  }

  #note (text: string): void {
    if (this.sum.troubles.length < MOST) this.sum.troubles.push(text)
    else this.sum.more_troubles++
  }

  /** Makes an entry under a temporary name and renames it. */
  async #put (path: string, make: (folder: Folder, temp: string) => Promise<void>): Promise<void> {
    const [outer, name] = splitPath(path)
    await makeFolder(this.#root, outer, async folder => {
      if (outer !== this.#outer) await removeAbandoned(folder, PART)
      this.#outer = outer
      await folder.remove(TEMP)
      try {
        await make(folder, TEMP)
        if (this.#replace) await folder.rename(TEMP, name)
        // A file that has appeared since the check, or a name that differs only in case on a disk that ignores case.
        else if (!await folder.moveNew(TEMP, name)) {
          throw Object.assign(new Error('the name exists, and is not replaced'), { code: 'EEXIST' })
        }
      } catch (error) {
        await folder.remove(TEMP)
        throw error
      }
    })
  }

  async #write (
    folder: Folder,
    { name, entry, file }: { name: string, entry: Entry, file: PackedFile }
  ): Promise<void> {
    const out = await folder.create(name)
    try {
      const hash = createHash('sha256')
      let at = 0
      for await (const chunk of entry.body()) {
        hash.update(chunk)
        await writeAt(out, chunk, { at, holes: file.allocated !== undefined })
        at += chunk.length
        this.#onBytes(chunk.length, shown(file.path))
      }
      if (hash.digest('hex') !== file.sha256) {
        throw new ArchiveRefused(`'${shown(file.path)}' changed while it was restored`)
      }
      await out.truncate(at)
      this.#lost(file.path, await dress(out, metaOf(entry)))
      await out.sync()
    } finally {
      await out.close()
    }
  }

  /** Creates another name of a file that has been written; a copy if the disk has no hard links. */
  async #again (first: string, { path, meta }: { path: string, meta: Meta }): Promise<void> {
    const [outer, old] = splitPath(first)
    await inFolder(this.#root, outer, from =>
      this.#put(path, async (folder, temp) => {
        try {
          await folder.linkFrom(from, { old, name: temp })
        } catch (error) {
          if (!NO_LINKS.includes(codeOf(error))) throw error
          this.#lost(path, await copyOf(from, { old, folder, temp, meta }))
        }
      }))
  }

  /** Writes a file under all its requested names. */
  async file (entry: Entry, { file, names }: { file: PackedFile, names: string[] }): Promise<void> {
    let first: string | null = null
    for (const path of names) {
      try {
        if (first === null) await this.#put(path, (folder, name) => this.#write(folder, { name, entry, file }))
        else await this.#again(first, { path, meta: metaOf(entry) })
        first ??= path
        this.sum.files++
        this.sum.bytes += file.size
      } catch (error) {
        this.#trouble(path, error)
        // The content has been read in part, and cannot be read again for another name.
        if (first === null) return
      }
    }
  }

  async link (entry: Entry): Promise<void> {
    const { uid, gid, seconds } = metaOf(entry)
    await this.#put(entry.path, async (folder, temp) => {
      await folder.makeLink(temp, entry.to ?? '')
      if (!await folder.mark(temp, { owner: process.getuid?.() === 0 ? { uid, gid } : null, seconds })) {
        this.#lost(entry.path, 'owner or time')
      }
    }).then(() => {
      this.sum.links++
    }, (error: unknown) => this.#trouble(entry.path, error))
  }

  /** Creates a folder. Its mode and time are set by `finish`. */
  async folder (entry: Entry): Promise<void> {
    await makeFolder(this.#root, entry.path, async () => undefined).then(
      () => {
        this.#folders.push({ path: entry.path, meta: metaOf(entry) })
      },
      (error: unknown) => this.#trouble(entry.path, error)
    )
  }

  /** Sets the modes and times of the folders, inner ones first, and those of the target folder if `own` is given. */
  async finish (own: Manifest['root']): Promise<void> {
    for (const { path, meta } of this.#folders) {
      await inFolder(this.#root, path, async folder => {
        await folder.sync()
        this.#lost(path, await dress(folder.handle, meta))
      }).catch((error: unknown) => this.#trouble(path, error))
    }
    await this.#root.sync()
    if (own === undefined) return
    const { uid, gid } = await this.#root.handle.stat()
    const at = Temporal.Instant.from(own.mtime).epochNanoseconds
    await dress(this.#root.handle, { mode: own.mode, uid, gid, seconds: secondsOf(at) }).then(
      lost => this.#lost('.', lost),
      (error: unknown) => this.#trouble('.', error)
    )
  }
}
