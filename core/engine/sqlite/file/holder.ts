import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import type { DatabaseSync } from 'node:sqlite'

/** The process that has a store open. It is written to the store itself because a lock file can be removed. */
export interface Holder {
  /** Names one opening of the store. */
  id: string
  owner: string
  pid: number
  host: string
  /** The start time of the process: with the pid it names one process of a boot. Null where it is
   *  not available. */
  started: string | null
  /** The boot of the kernel, and the namespace that the pid is counted in. Null where they are not available. */
  boot: string | null
  space: string | null
  /** The machine, the same after a reboot. */
  machine: string
  /** The lock file and the database file that are held. */
  lock: string
  file: string
}

/** Whether the process of a holder still has the store open. `unknown`: only an answer of the process can show it. */
type HolderState = 'gone' | 'alive' | 'unknown'

/** The processes that this one can see. `isOpen`: this process has the opening with this id. */
interface Processes {
  startedAt(pid: number): string | null
  isAlive(pid: number): boolean
  isOpen(id: string): boolean
}

/** The device and the inode of a file, which identify it under any name; null: there is no such file. */
export function identityOf (file: string): string | null {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat ? `${stat.dev}:${stat.ino}` : null
}

export const inodeOf = (identity: string): string => identity.slice(identity.indexOf(':') + 1)

/** A copy of a store contains the holder of the original. Other kernels number devices differently. */
function isCopy (holder: Holder, mine: Holder, isSameKernel: boolean): boolean {
  if (isSameKernel) return holder.file !== mine.file
  return inodeOf(holder.file) !== inodeOf(mine.file)
}

/** Whether the holder that is named in a store still has it. The caller holds the lock file that `mine` names; a lock
 *  of another kernel or of a removed file proves nothing. */
export function holderState (holder: Holder, mine: Holder, seen: Processes): HolderState {
  const isSameBoot = holder.boot === mine.boot
  const isSameKernel = isSameBoot && (mine.boot !== null || holder.machine === mine.machine)
  if (isCopy(holder, mine, isSameKernel)) return 'gone'
  if (!isSameKernel) return holder.machine === mine.machine ? 'gone' : 'unknown'
  if (holder.space === mine.space) {
    if (holder.pid === mine.pid && holder.started === mine.started) return seen.isOpen(holder.id) ? 'alive' : 'gone'
    if (holder.started !== null) return seen.startedAt(holder.pid) === holder.started ? 'alive' : 'gone'
  }
  if (holder.lock === mine.lock) return 'gone'
  if (holder.space !== mine.space) return 'unknown'
  return seen.isAlive(holder.pid) ? 'alive' : 'gone'
}

function textOf (file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return null
  }
}

function spaceOf (): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return null
  }
}

/** The start time of a process, field 22 of /proc/<pid>/stat, proc(5); null when it has ended, also when it
 *  has not been reaped yet. */
function startedAt (pid: number): string | null {
  const stat = textOf(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The second field, the name in parentheses, may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? null : fields[19] ?? null
}

function isAlive (pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The openings of this process. */
const open = new Set<string>()

export const PROCESSES: Processes = { startedAt, isAlive, isOpen: id => open.has(id) }

/** This process as the holder of the store with this database file and this lock. */
export function newHolder ({ owner, file, lock }: Pick<Holder, 'owner' | 'file' | 'lock'>): Holder {
  return {
    id: randomUUID(),
    owner,
    pid: process.pid,
    host: hostname(),
    started: startedAt(process.pid),
    boot: textOf('/proc/sys/kernel/random/boot_id'),
    space: spaceOf(),
    machine: textOf('/etc/machine-id') || hostname(),
    lock,
    file
  }
}

export const describeHolder = ({ owner, pid, host }: Pick<Holder, 'owner' | 'pid' | 'host'>): string =>
  `${owner}, process ${pid} on ${host}`

/** The holder that is stored in a database, or null. */
export function readHolder (db: DatabaseSync): Holder | null {
  const row = db.prepare('select body from holder').get() as { body: string } | undefined
  return row === undefined ? null : JSON.parse(row.body) as Holder
}

/** Makes this opening the holder of the store. */
export function writeHolder (db: DatabaseSync, holder: Holder): void {
  db.prepare(`
    insert into holder (one, body) values (1, ?)
    on conflict (one) do update set body = excluded.body`).run(JSON.stringify(holder))
  open.add(holder.id)
}

/** Removes this opening as the holder. A store that cannot be written keeps it until the process has ended. */
export function clearHolder (db: DatabaseSync, { id }: Holder): void {
  open.delete(id)
  try {
    db.prepare("delete from holder where json_extract(body, '$.id') = ?").run(id)
  } catch {}
}
