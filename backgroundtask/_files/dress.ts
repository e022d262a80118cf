import type { FileHandle } from 'node:fs/promises'
import { codeOf } from '../_task/settings.ts'

/** How a file or folder is to look. `seconds`: the time of change, as text with a fraction. */
export interface Meta {
  mode: number
  uid: number
  gid: number
  seconds: string
}

const SET_ID = 0o6000
/** What file systems say that have no owners or modes. */
const NOT_HERE = ['EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EOVERFLOW']

async function kept (act: Promise<void>): Promise<boolean> {
  return await act.then(() => true, (error: unknown) => {
    if (NOT_HERE.includes(codeOf(error))) return false
    throw error
  })
}

/** Gives owner, mode and time. Only the superuser may give a file away; the bits that lend an owner's rights are set
 *  only where the owner is the one they were set for. Answers what the disk has no place for, or null. */
export async function dress (handle: FileHandle, { mode, uid, gid, seconds }: Meta): Promise<string | null> {
  const owned = process.getuid?.() === 0 ? await kept(handle.chown(uid, gid)) : true
  const now = await handle.stat()
  const full = now.uid === uid && now.gid === gid ? mode & 0o7777 : mode & 0o7777 & ~SET_ID
  const moded = (now.mode & 0o7777) === full || await kept(handle.chmod(full))
  const timed = await kept(handle.utimes(seconds, seconds))
  const lost = [...(owned ? [] : ['owner']), ...(moded ? [] : ['mode']), ...(timed ? [] : ['time'])]
  return lost.length === 0 ? null : lost.join(', ')
}
