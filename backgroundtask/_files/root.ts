import { lstat, readFile, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, parse, resolve, sep } from 'node:path'
import { Folder } from './folder.ts'
import { fsPathOf, nameFrom, shown } from './names.ts'

/** A path that a task must not use; the message says why. */
export class PathRefused extends Error {
  override readonly name = 'PathRefused'
}

const refuse = (path: string, why: string): never => {
  throw new PathRefused(`'${shown(path)}' is refused: ${why}`)
}

const OF_THE_SYSTEM = ['/bin', '/boot', '/dev', '/etc', '/lib', '/lib32', '/lib64', '/proc', '/sbin', '/sys', '/usr']
const TOP = ['/home', '/media', '/mnt', '/opt', '/private', '/root', '/run', '/srv', '/tmp', '/var', '/Applications',
  '/Library', '/System', '/Users', '/Volumes']

const holds = (outer: string, inner: string) =>
  inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)

/** A path with its parents resolved, but not its last part. Throws ENOENT when a parent is missing. */
async function placeOf (path: string): Promise<string> {
  if (path.trim() === '' || path.includes('\0')) refuse(path, 'it is not a path')
  const full = resolve(path)
  if (full === parse(full).root) refuse(path, 'it is the root of the file system')
  return join(nameFrom(await realpath(fsPathOf(dirname(full)), 'buffer')), basename(full))
}

/** Opens a configured folder. Throws PathRefused for links and for the root of the file system. */
export async function openFolder (path: string): Promise<Folder> {
  const place = await placeOf(path)
  const stat = await lstat(fsPathOf(place))
  if (stat.isSymbolicLink()) refuse(path, 'it is a link; name the folder itself')
  if (!stat.isDirectory()) refuse(path, 'it is not a folder')
  return Folder.open(place)
}

// The kernel writes blanks in mount points as octal.
const unescape = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))

async function isMountPoint (place: string): Promise<boolean> {
  const [own, parent] = await Promise.all([lstat(fsPathOf(place)), lstat(fsPathOf(dirname(place)))])
  if (own.dev !== parent.dev) return true
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return table.split('\n').some(line => unescape(line.split(' ')[4] ?? '') === place)
}

/** Opens a folder for deleting files. As `openFolder`; also refuses mount points, system folders, and folders that are
 *  or contain the home folder or the working directory. */
export async function openForDeletion (path: string): Promise<Folder> {
  const place = await placeOf(path)
  if (OF_THE_SYSTEM.some(outer => holds(outer, place)) || TOP.includes(place)) refuse(path, 'it belongs to the system')
  if (holds(place, await realpath(homedir()))) refuse(path, 'it is or contains the home folder')
  if (holds(place, await realpath(process.cwd()))) refuse(path, 'it is or contains the working directory of offpeak')
  const folder = await openFolder(path)
  if (!await isMountPoint(place)) return folder
  await folder.close()
  return refuse(path, 'it is a mount point')
}
