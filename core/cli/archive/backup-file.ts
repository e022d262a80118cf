import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { VERSION } from '../../version.ts'
import { copyFaultIn } from '../../model/errors/file-errors.ts'
import { folderMembers, textMember } from './write-tar.ts'
import { tarMembers } from './read-tar.ts'
import type { TarMember } from './read-tar.ts'

/** The first member of a backup, by which it is known. */
const LABEL = 'offpeak-backup.json'
const FORMAT = 1
const LARGEST_LABEL = 4096

/** What a backup says about itself. `made_at`: ISO 8601. */
interface BackupLabel {
  format: number
  version: string
  made_at: string
}

async function* membersOf (folder: string, now: number): AsyncGenerator<Buffer> {
  const label: BackupLabel = { format: FORMAT, version: VERSION, made_at: new Date(now).toISOString() }
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
  if (label.format !== FORMAT) {
    throw new Error(`its format is ${label.format}: a later offpeak, ${label.version}, made it`)
  }
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

/** Unpacks a backup into an empty folder. Returns its label and the number of files. Throws OFFPEAK_FILE_NOT_WRITTEN
 *  when the folder cannot be written, and an Error that says why when the file is not a backup or is damaged. */
export async function readBackup (file: string, into: string): Promise<BackupLabel & { files: number }> {
  const unzipped = createReadStream(file).on('error', error => unzipped.destroy(error)).pipe(createGunzip())
  const members = tarMembers(unzipped)
  const { value: first } = await members.next() as { value: TarMember | undefined }
  const label = await labelOf(first)
  let files = 0
  for await (const member of members) {
    await unpack(member, into).catch(error => {
      throw copyFaultIn(into, error)
    })
    if (member.type === 'file') files++
  }
  return { ...label, files }
}
