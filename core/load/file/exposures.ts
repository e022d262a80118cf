import { access, constants, lstat, readlink, statfs } from 'node:fs/promises'
import { join, parse, resolve, sep } from 'node:path'
import { changedBy, isRefused, othersWords, replacedBy } from './modes.ts'
import type { Account, Others, Owned } from './modes.ts'

/** `end`: the file or folder itself, `folder`: one above it, `link`: one on the way to it. */
type Kind = 'end' | 'folder' | 'link'

/** A path that others may change, directly or through a folder or link. */
interface Exposed {
  /** The path to be used. */
  path: string
  /** Where the fault is: the file, a link or a folder on the way to it. */
  at: string
  weight: 'refused' | 'warned'
  by: Others
  kind: Kind
  message: string
  fix: string
}

const MOST_LINKS = 40

/** File systems whose modes come from the mount. Source: statfs(2), linux/magic.h. */
const MODELESS: Record<number, string> = {
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
  0x5346544e: 'ntfs',
  0x7366746e: 'ntfs',
  0x65735546: 'fuse',
  0x01021997: '9p',
  0x786f4256: 'vboxsf',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb'
}

/** The account of this process; null on systems without owners and modes, such as Windows. */
export const ownAccount = (): Account | null =>
  process.getuid === undefined ? null : { uid: process.geteuid!(), gid: process.getegid!() }

/** Quotes a word for the shell. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

/** The sentence that says how to make a path safe. */
async function fixFor (at: string, found: Others, account: Account): Promise<string> {
  const isUsual = await lstat(at).then(stats => stats.isFile() || stats.isDirectory() || stats.isSymbolicLink(),
    () => true)
  if (!isUsual) return 'Name a file or folder instead: the modes of a device or pipe are those that the system needs.'
  if (found.by === 'user') {
    return `Run offpeak as that user, or give it to the one that runs it: chown ${account.uid} ${quoted(at)}`
  }
  const { type } = await statfs(at).catch(() => ({ type: 0 }))
  const kind = MODELESS[type]
  if (kind === undefined) return `Run: chmod ${found.by === 'group' ? 'g' : 'o'}-w ${quoted(at)}`
  const mount = `mount it with umask=077 and uid=${account.uid}`
  const accept = 'set security.accept_loose_files to the reason why it may stay'
  return `Its file system (${kind}) takes the modes from its mount: ${mount}, or ${accept}.`
}

/** A fault of a path. `at`: the file, folder or link that has it. */
interface Seen {
  path: string
  at: string
  found: Others
  kind: Kind
}

function messageOf ({ path, at, found, kind }: Seen): string {
  const by = othersWords(found)
  if (kind === 'end') return `${path} can be changed by ${by}`
  return kind === 'link'
    ? `${path} is reached by the link ${at}, which can be changed by ${by}`
    : `${path} can be replaced by ${by}, through the folder ${at}`
}

/** A fault of a path in words. */
export async function exposed (seen: Seen, account: Account): Promise<Exposed> {
  const { path, at, found, kind } = seen
  return {
    path,
    at,
    by: found,
    kind,
    weight: isRefused(found) ? 'refused' : 'warned',
    message: messageOf(seen),
    fix: await fixFor(at, found, account)
  }
}

/** Checks each part of a path, and of the target of each link on the way. */
async function visit (path: string, see: (at: string, stats: Owned, kind: Kind) => void): Promise<void> {
  const { root } = parse(path)
  let names = path.slice(root.length).split(sep).filter(Boolean)
  let at = root
  let links = 0
  see(at, await lstat(at), 'folder')
  while (names.length > 0) {
    const next = join(at, names[0]!)
    const rest = names.slice(1)
    const stats = await lstat(next)
    if (stats.isSymbolicLink()) {
      see(next, stats, 'link')
      if (++links > MOST_LINKS) return
      const target = resolve(at, await readlink(next))
      names = [...target.slice(parse(target).root.length).split(sep).filter(Boolean), ...rest]
      at = parse(target).root
      continue
    }
    see(next, stats, rest.length === 0 ? 'end' : 'folder')
    names = rest
    at = next
  }
}

/** The ways in which others may change or replace a file or folder, the most serious first. A missing path is judged by
 *  its existing parents. Never throws. */
export async function exposures (path: string, account = ownAccount()): Promise<Exposed[]> {
  if (account === null) return []
  const full = resolve(path)
  const seen = new Map<string, Seen>()
  let last = ''
  await visit(full, (at, stats, kind) => {
    if (kind === 'folder') last = at
    const found = kind === 'end'
      ? changedBy(stats, account)
      : kind === 'folder'
      ? replacedBy(stats, account)
      : linkBy(stats, account)
    if (found !== null) seen.set(at, { path, at, found, kind })
  }).catch(() => undefined)
  // Group-writable parents count only directly above the path: /usr/local belongs to a group on some systems.
  const relevant = [...seen.values()].filter(({ found, kind, at }) => isRefused(found) || kind === 'end' || at === last)
  const writable = await Promise.all(relevant.map(({ at }) => isWritable(at)))
  const all = await Promise.all(relevant.filter((_, index) => writable[index]).map(one => exposed(one, account)))
  return all.toSorted((a, b) => Number(a.weight === 'warned') - Number(b.weight === 'warned'))
}

/** False on a read-only file system, such as that of the settings and secrets of a container. */
const isWritable = (at: string): Promise<boolean> =>
  access(at, constants.W_OK).then(() => true, error => (error as NodeJS.ErrnoException).code !== 'EROFS')

/** The mode of a link means nothing: its owner chooses its target. */
const linkBy = (stats: Owned, account: Account): Others | null => {
  const found = changedBy({ ...stats, mode: 0 }, account)
  return found?.by === 'user' ? found : null
}

/** What keeps a path from being used, or null. */
export const refusedFor = async (path: string, account = ownAccount()): Promise<Exposed | null> =>
  (await exposures(path, account)).find(({ weight }) => weight === 'refused') ?? null
