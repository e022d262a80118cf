import type { FileHandle } from 'node:fs/promises'
import { codeOf } from '../_task/settings.ts'

/** The metadata of a file or folder. `seconds`: the time of change, as text with a fraction. */
export interface Meta {
  mode: number
  uid: number
  gid: number
  seconds: string
}

const SET_ID = 0o6000
/** Errors of file systems without owners or modes. */
const UNSUPPORTED = ['EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EOVERFLOW']

async function kept (act: Promise<void>): Promise<boolean> {
  return await act.then(() => true, (error: unknown) => {
    if (UNSUPPORTED.includes(codeOf(error))) return false
    throw error
  })
}

/** Sets owner (as root only), mode and time. Sets the setuid and setgid bits only when owner and group match. Returns
 *  what the disk cannot store, or null. */
export async function dress (handle: FileHandle, { mode, uid, gid, seconds }: Meta): Promise<string | null> {
  const owned = process.getuid?.() === 0 ? await kept(handle.chown(uid, gid)) : true
  const now = await handle.stat()
  const full = now.uid === uid && now.gid === gid ? mode & 0o7777 : mode & 0o7777 & ~SET_ID
  const moded = (now.mode & 0o7777) === full || await kept(handle.chmod(full))
  const timed = await kept(handle.utimes(seconds, seconds))
  const lost = [...(owned ? [] : ['owner']), ...(moded ? [] : ['mode']), ...(timed ? [] : ['time'])]
  return lost.length === 0 ? null : lost.join(', ')
}
