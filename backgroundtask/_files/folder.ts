import { existsSync } from 'node:fs'
import type { BigIntStats, Stats } from 'node:fs'
import { constants, lchown, link, lstat, lutimes, mkdir, open, readdir, readlink, realpath, rename, rmdir, symlink,
  unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../_task/settings.ts'
import { bytesOfName, fsPathOf, isRaw, nameFrom, shown } from './names.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants

const byDescriptor = process.platform === 'linux' && existsSync('/proc/self/fd')

/** Errors of file systems without hard links. */
export const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** Identifies a file regardless of its name. */
export type Identity = Pick<Stats, 'dev' | 'ino'>

/** True when both are the same file. */
export const sameFile = (a: Identity, b: Identity): boolean => a.dev === b.dev && a.ino === b.ino

/** A name in a folder, and whether it is that of a file. */
interface Entry {
  name: string
  isFile: () => boolean
}

/** A path as node:fs accepts it. */
type FsPath = string | Buffer

/** An open folder. On Linux all calls use its descriptor, so a folder or link that takes its name meanwhile is not
 *  affected; elsewhere its identity is compared before each call. Links are never followed. Names and paths are text
 *  that represents bytes (names.ts). */
export class Folder {
  /** The path by which the folder was opened, for messages. */
  readonly path: string
  readonly #handle: FileHandle
  readonly #identity: Identity

  private constructor (path: string, handle: FileHandle, identity: Identity) {
    this.path = path
    this.#handle = handle
    this.#identity = identity
  }

  /** Throws ENOTDIR or ELOOP when the last part is a link or not a folder. */
  static async open (path: string): Promise<Folder> {
    return Folder.#open(fsPathOf(path), path)
  }

  static async #open (fsPath: FsPath, path: string): Promise<Folder> {
    const handle = await open(fsPath, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try {
      const { dev, ino } = await handle.stat()
      return new Folder(path, handle, { dev, ino })
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  get identity (): Identity {
    return this.#identity
  }

  close (): Promise<void> {
    return this.#handle.close()
  }

  /** The current path of the open folder. */
  async place (): Promise<string> {
    return nameFrom(
      await (byDescriptor
        ? readlink(`/proc/self/fd/${this.#handle.fd}`, 'buffer')
        : realpath(fsPathOf(this.path), 'buffer'))
    )
  }

  /** Throws ESTALE when another folder or a link has taken its name. */
  async check (): Promise<void> {
    const now = await lstat(fsPathOf(this.path)).catch((error: unknown) => codeOf(error))
    // The path is too long for one call. It has just been entered part by part.
    if (now === 'ENAMETOOLONG' && byDescriptor) return
    if (typeof now === 'object' && sameFile(now, this.#identity)) return
    throw Object.assign(new Error(`${shown(this.path)} was replaced while the task was running`), { code: 'ESTALE' })
  }

  #at (name: string): FsPath {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
      throw new Error(`'${shown(name)}' is not the name of a file`)
    }
    if (!byDescriptor) return fsPathOf(join(this.path, name))
    const base = `/proc/self/fd/${this.#handle.fd}/`
    return isRaw(name) ? Buffer.concat([Buffer.from(base), bytesOfName(name)]) : base + name
  }

  async #act<T> (name: string, act: (path: FsPath) => Promise<T>): Promise<T> {
    if (!byDescriptor) await this.check()
    return act(this.#at(name))
  }

  enter (name: string): Promise<Folder> {
    return this.#act(name, path => Folder.#open(path, join(this.path, name)))
  }

  /** The entries, in the order of names. */
  async entries (): Promise<Entry[]> {
    if (!byDescriptor) await this.check()
    const place = byDescriptor ? `/proc/self/fd/${this.#handle.fd}` : fsPathOf(this.path)
    const found = await readdir(place, { withFileTypes: true, encoding: 'buffer' })
    const entries = found.map(entry => ({ name: nameFrom(entry.name), isFile: () => entry.isFile() }))
    return entries.toSorted((a, b) => a.name < b.name ? -1 : 1)
  }

  /** The stat of a name, without following a link; null when it does not exist. */
  stat (name: string): Promise<Stats | null> {
    return this.#act(name, path => lstat(path)).catch(error => {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    })
  }

  /** As `stat`, with times in nanoseconds. */
  exactStat (name: string): Promise<BigIntStats | null> {
    return this.#act(name, path => lstat(path, { bigint: true })).catch(error => {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    })
  }

  /** Sets the owner and time of change (seconds as text) of a name, without following a link. Returns false when the
   *  disk cannot store them. */
  async mark (
    name: string,
    { owner, seconds }: { owner: { uid: number, gid: number } | null, seconds: string }
  ): Promise<boolean> {
    return await this.#act(name, async path => {
      if (owner !== null) await lchown(path, owner.uid, owner.gid)
      await lutimes(path, seconds, seconds)
    }).then(() => true, error => {
      if (['EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) return false
      throw error
    })
  }

  /** Opens a file for reading. Does not wait for the other end of a pipe. */
  read (name: string): Promise<FileHandle> {
    return this.#act(name, path => open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  }

  /** Opens an existing file for reading and writing. */
  edit (name: string): Promise<FileHandle> {
    return this.#act(name, path => open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK))
  }

  /** Creates a file. Throws EEXIST when the name exists. */
  create (name: string, mode = 0o600): Promise<FileHandle> {
    return this.#act(name, path => open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode))
  }

  make (name: string, mode = 0o700): Promise<unknown> {
    return this.#act(name, path => mkdir(path, { mode }))
  }

  /** The text of a link (names.ts). */
  async readLink (name: string): Promise<string> {
    return nameFrom(await this.#act(name, path => readlink(path, 'buffer')))
  }

  /** Creates a link. Throws EEXIST when the name exists. */
  makeLink (name: string, text: string): Promise<void> {
    return this.#act(name, path => symlink(fsPathOf(text), path))
  }

  /** Creates a hard link to a file of another open folder. Throws EEXIST when the name exists. */
  linkFrom (from: Folder, { old, name }: { old: string, name: string }): Promise<void> {
    return from.#act(old, there => this.#act(name, here => link(there, here)))
  }

  /** The handle of the folder. */
  get handle (): FileHandle {
    return this.#handle
  }

  rename (from: string, to: string): Promise<void> {
    return this.#act(from, path => rename(path, this.#at(to)))
  }

  /** Renames a file or link. Returns false, without changing anything, when the new name exists. */
  async moveNew (from: string, to: string): Promise<boolean> {
    try {
      await this.linkFrom(this, { old: from, name: to })
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      if (!NO_LINKS.includes(codeOf(error))) throw error
      // Without hard links, a file that appears between the check and the rename is not noticed.
      if (await this.stat(to) !== null) return false
      await this.rename(from, to)
      return true
    }
    await this.remove(from)
    return true
  }

  /** Removes a name, if it exists. */
  async remove (name: string): Promise<void> {
    await this.#act(name, unlink).catch(error => {
      if (codeOf(error) !== 'ENOENT') throw error
    })
  }

  /** Removes an empty folder. Throws ENOTEMPTY for any other. */
  removeFolder (name: string): Promise<void> {
    return this.#act(name, rmdir)
  }

  /** Makes renamed and removed names durable. */
  async sync (): Promise<void> {
    await this.#handle.sync()
  }
}
