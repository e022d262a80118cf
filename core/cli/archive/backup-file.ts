import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { dirname, join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { VERSION } from '../../version.ts'
import { copyFaultIn } from '../../model/errors/file-errors.ts'
import { folderMembers, textMember } from './write-tar.ts'
import { tarMembers } from './read-tar.ts'
import type { TarMember } from './read-tar.ts'

/** The first member of a backup, by which it is known. */
const LABEL = 'offpeak-backup.json'
const FORMAT = 2
/** The format before, whose label has no list of files. */
const WITHOUT_LIST = 1
const LARGEST_LABEL = 64 * 2 ** 20
const DATABASE = 'offpeak.db'

interface Listed {
  name: string
  size: number
  sha256: string
}

/** What a backup says about itself. `made_at`: ISO 8601. `members`: its files; absent in older backups. */
interface BackupLabel {
  format: number
  version: string
  made_at: string
  members?: Listed[] | undefined
}

async function listed (folder: string, path: string): Promise<Listed> {
  const hash = createHash('sha256')
  let size = 0
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(piece)
    size += piece.length
  }
  return { name: relative(folder, path).replaceAll(sep, '/'), size, sha256: hash.digest('hex') }
}

async function listOf (folder: string): Promise<Listed[]> {
  const members: Listed[] = []
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) members.push(await listed(folder, join(entry.parentPath, entry.name)))
  }
  return members
}

async function* membersOf (folder: string, now: number): AsyncGenerator<Buffer> {
  const label: BackupLabel = {
    format: FORMAT,
    version: VERSION,
    made_at: new Date(now).toISOString(),
    members: await listOf(folder)
  }
  yield* textMember(LABEL, `${JSON.stringify(label, null, 2)}\n`, now)
  yield* folderMembers(folder)
}

/** Writes the files of a folder into a new compressed archive, and waits until the disk has them. */
export async function writeBackup (folder: string, file: string, now: number): Promise<void> {
  await pipeline(membersOf(folder, now), createGzip(),
    createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }))
}

async function textOf (member: TarMember): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of member.body) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function labelOf (first: TarMember | undefined): Promise<BackupLabel> {
  if (first?.name !== LABEL || first.size > LARGEST_LABEL) {
    throw new Error('it was not made by offpeak backup')
  }
  const label = JSON.parse(await textOf(first)) as BackupLabel
  if (label.format === WITHOUT_LIST) return { ...label, members: undefined }
  if (label.format !== FORMAT) {
    throw new Error(`its format is ${label.format}: a later offpeak, ${label.version}, made it`)
  }
  if (!Array.isArray(label.members)) throw new Error('its list of files is missing')
  return label
}

/** True for a path that stays in the folder that it is relative to. */
const isInside = (name: string) =>
  name !== '' && !name.startsWith('/') && !name.includes('\\') && !name.split('/').includes('..')

async function unpack ({ name, type, mode, body }: TarMember, into: string): Promise<void> {
  if (!isInside(name) || type === 'other') throw new Error(`${JSON.stringify(name)} does not belong into a data folder`)
  const path = join(into, name)
  if (type === 'folder') {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await pipeline(body, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }))
  await chmod(path, mode & 0o700 | 0o400)
}

const names = (list: readonly string[]) =>
  `${list.slice(0, 5).map(name => JSON.stringify(name)).join(', ')}${list.length > 5 ? ' and more' : ''}`

/** Throws an Error that names the files of an unpacked backup which its list does not have, has otherwise, or has
 *  alone. */
function checkMembers (members: readonly Listed[] | undefined, found: readonly Listed[]): void {
  if (!found.some(({ name }) => name === DATABASE)) throw new Error(`it has no ${DATABASE}`)
  if (members === undefined) return
  const known = new Map(members.map(member => [member.name, member]))
  const there = new Set(found.map(({ name }) => name))
  const faults: [string, string[]][] = [
    ['it lacks', members.map(({ name }) => name).filter(name => !there.has(name))],
    ['its list does not have', found.map(({ name }) => name).filter(name => !known.has(name))],
    ['it has other content than listed in', found.filter(({ name, size, sha256 }) => {
      const member = known.get(name)
      return member !== undefined && (member.size !== size || member.sha256 !== sha256)
    }).map(({ name }) => name)]
  ]
  const words = faults.flatMap(([what, list]) => list.length === 0 ? [] : [`${what} ${names(list)}`])
  if (words.length > 0) throw new Error(words.join('; '))
}

/** Unpacks a backup into an empty folder, and compares it with its list of files. Returns its label and the number of
 *  files. Throws OFFPEAK_FILE_NOT_WRITTEN when the folder cannot be written, and an Error that says why when the file
 *  is not a backup or is damaged. */
export async function readBackup (file: string, into: string): Promise<BackupLabel & { files: number }> {
  const unzipped = createReadStream(file).on('error', error => unzipped.destroy(error)).pipe(createGunzip())
  const members = tarMembers(unzipped)
  const { value: first } = await members.next() as { value: TarMember | undefined }
  const label = await labelOf(first)
  const found: Listed[] = []
  for await (const member of members) {
    await unpack(member, into).catch(error => {
      throw copyFaultIn(into, error)
    })
    if (member.type === 'file') found.push(await listed(into, join(into, member.name)))
  }
  checkMembers(label.members, found)
  return { ...label, files: found.length }
}
