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

/** What file systems say that have no second names. */
export const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

/** What tells one file from another that has its name. */
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

/** An open folder. On Linux everything is done through its descriptor, so that whatever takes its name meanwhile is
 *  not touched; elsewhere its identity is compared before each act. Links are never followed. Names and paths are text
 *  that stands for bytes (names.ts). */
export class Folder {
  /** For people: where the folder was when it was opened. */
  readonly path: string
  readonly #handle: FileHandle
  readonly #identity: Identity

  private constructor (path: string, handle: FileHandle, identity: Identity) {
    this.path = path
    this.#handle = handle
    this.#identity = identity
  }

  /** Throws ENOTDIR or ELOOP when the last part is a link or no folder. */
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

  /** Where the open folder lies now, whatever has its name. */
  async place (): Promise<string> {
    return nameFrom(
      await (byDescriptor
        ? readlink(`/proc/self/fd/${this.#handle.fd}`, 'buffer')
        : realpath(fsPathOf(this.path), 'buffer'))
    )
  }

  /** Throws ESTALE when another folder, or a link, has taken the place. */
  async check (): Promise<void> {
    const now = await lstat(fsPathOf(this.path)).catch((error: unknown) => codeOf(error))
    // A path that no call takes has been entered part by part a moment ago.
    if (now === 'ENAMETOOLONG' && byDescriptor) return
    if (typeof now === 'object' && sameFile(now, this.#identity)) return
    throw Object.assign(new Error(`${shown(this.path)} was replaced while the task was at work`), { code: 'ESTALE' })
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

  /** What is in it, in the order of names. */
  async entries (): Promise<Entry[]> {
    if (!byDescriptor) await this.check()
    const place = byDescriptor ? `/proc/self/fd/${this.#handle.fd}` : fsPathOf(this.path)
    const found = await readdir(place, { withFileTypes: true, encoding: 'buffer' })
    const entries = found.map(entry => ({ name: nameFrom(entry.name), isFile: () => entry.isFile() }))
    return entries.toSorted((a, b) => a.name < b.name ? -1 : 1)
  }

  /** Of the name itself, never of what a link points at; null when there is none. */
  stat (name: string): Promise<Stats | null> {
    return this.#act(name, path => lstat(path)).catch(error => {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    })
  }

  /** As `stat`, with times to the nanosecond. */
  exactStat (name: string): Promise<BigIntStats | null> {
    return this.#act(name, path => lstat(path, { bigint: true })).catch(error => {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    })
  }

  /** Gives a name its owner and time of change (seconds as text), never what a link points at; false where the disk
   *  has no place for them. */
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

  /** Opens a file to read it. Does not wait for the other end of a pipe. */
  read (name: string): Promise<FileHandle> {
    return this.#act(name, path => open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  }

  /** Opens a file that is there, to read and change it. */
  edit (name: string): Promise<FileHandle> {
    return this.#act(name, path => open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK))
  }

  /** Makes a new file; throws EEXIST when anything has the name. */
  create (name: string, mode = 0o600): Promise<FileHandle> {
    return this.#act(name, path => open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode))
  }

  make (name: string, mode = 0o700): Promise<unknown> {
    return this.#act(name, path => mkdir(path, { mode }))
  }

  /** What a link says, as text that stands for bytes. */
  async readLink (name: string): Promise<string> {
    return nameFrom(await this.#act(name, path => readlink(path, 'buffer')))
  }

  /** Makes a link; throws EEXIST when anything has the name. */
  makeLink (name: string, says: string): Promise<void> {
    return this.#act(name, path => symlink(fsPathOf(says), path))
  }

  /** Gives a file of another open folder a second name here; throws EEXIST when anything has it. */
  linkFrom (from: Folder, { old, name }: { old: string, name: string }): Promise<void> {
    return from.#act(old, there => this.#act(name, here => link(there, here)))
  }

  /** Of the folder itself. */
  get handle (): FileHandle {
    return this.#handle
  }

  rename (from: string, to: string): Promise<void> {
    return this.#act(from, path => rename(path, this.#at(to)))
  }

  /** Gives a file or link another name; false, with everything as it was, when anything has that name. */
  async moveNew (from: string, to: string): Promise<boolean> {
    try {
      await this.linkFrom(this, { old: from, name: to })
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false
      if (!NO_LINKS.includes(codeOf(error))) throw error
      // A disk without second names: nothing tells of one that comes between the look and the move.
      if (await this.stat(to) !== null) return false
      await this.rename(from, to)
      return true
    }
    await this.remove(from)
    return true
  }

  /** Removes a name, and is silent when it is gone. */
  async remove (name: string): Promise<void> {
    await this.#act(name, unlink).catch(error => {
      if (codeOf(error) !== 'ENOENT') throw error
    })
  }

  /** Removes an empty folder; throws ENOTEMPTY when it is not. */
  removeFolder (name: string): Promise<void> {
    return this.#act(name, rmdir)
  }

  /** Makes what was renamed and removed here durable. */
  async sync (): Promise<void> {
    await this.#handle.sync()
  }
}
