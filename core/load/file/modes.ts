/** Owner and mode of a file. */
export interface Owned {
  uid: number
  gid: number
  mode: number
}

/** The account of a process. */
export interface Account {
  uid: number
  gid: number
}

/** Others than root and the account: a user, everybody, or a group. */
export type Others = { by: 'user', uid: number } | { by: 'everybody' } | { by: 'group', gid: number }

const ROOT = 0
const STICKY = 0o1000
const WRITE = { others: 0o002, group: 0o020 }
const ACCESS = { others: 0o007, group: 0o070 }

const isOwn = ({ uid }: Owned, account: Account) => uid === ROOT || uid === account.uid
const isOwnGroup = ({ gid }: Owned, account: Account) => gid === ROOT || gid === account.gid

function others (stats: Owned, account: Account, bits: typeof WRITE): Others | null {
  if (!isOwn(stats, account)) return { by: 'user', uid: stats.uid }
  if ((stats.mode & bits.others) !== 0) return { by: 'everybody' }
  return (stats.mode & bits.group) !== 0 && !isOwnGroup(stats, account) ? { by: 'group', gid: stats.gid } : null
}

/** Who else may change a file, or the contents of a folder; null if no one may. `account` is null on systems without
 *  modes. */
export const changedBy = (stats: Owned, account: Account | null): Others | null =>
  account && others(stats, account, WRITE)

/** Who else may replace an entry of a folder. With the sticky bit only its owner may. */
export function replacedBy (folder: Owned, account: Account | null): Others | null {
  const found = changedBy(folder, account)
  return found?.by !== 'user' && (folder.mode & STICKY) !== 0 ? null : found
}

/** Who else may read or change a secret file; null if no one may. */
export const seenBy = (stats: Owned, account: Account | null): Others | null =>
  account && others(stats, account, ACCESS)

/** True if the path is refused. A group is the choice of the administrator, and only a warning. */
export const isRefused = ({ by }: Others): boolean => by !== 'group'

/** `every user of this machine`, `its owner, user 1000`. */
export function othersWords (found: Others): string {
  if (found.by === 'everybody') return 'every user of this machine'
  return found.by === 'user' ? `its owner, user ${found.uid}` : `every member of the group ${found.gid}`
}
