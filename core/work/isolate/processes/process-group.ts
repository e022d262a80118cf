import { readFile, readdir } from 'node:fs/promises'
import type { Child } from '../../../model/run/run.ts'

/** The variable of the environment with the id of the run; child processes inherit it. */
export const RUN_ID = 'OFFPEAK_RUN_ID'

const textOf = async (file: string) => await readFile(file, 'utf8').catch(() => '')

/** One field of /proc/<pid>/stat, proc(5), counted from 1; null when there is no such process or no /proc. */
async function fieldOf (pid: number | string, field: number): Promise<string | null> {
  const stat = await textOf(`/proc/${pid}/stat`)
  // The name in parentheses, the second field, may contain spaces and parentheses.
  return stat === '' ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3] ?? null
}

/** The start time of a process in kernel ticks, or null without such a process or without /proc. Together with the pid
 *  it identifies one process until the machine restarts. */
export const startedAt = async (pid: number): Promise<string | null> => await fieldOf(pid, 22)

const isPid = (name: string) => /^\d+$/.test(name)

/** The pids of all processes; empty without /proc. */
const listed = async (): Promise<number[]> => (await readdir('/proc').catch(() => [])).filter(isPid).map(Number)

/** The processes that may be newer than a given one: pids ascend until they wrap around. */
async function newerThan (pid: number): Promise<number[]> {
  const last = Number((await textOf('/proc/loadavg')).trim().split(' ').at(-1))
  const all = await listed()
  return last >= pid ? all.filter(one => one > pid) : all
}

async function filtered (pids: readonly number[], isOne: (pid: number) => Promise<boolean>): Promise<number[]> {
  const found: number[] = []
  for (const pid of pids) if (await isOne(pid)) found.push(pid)
  return found
}

/** The processes in the session of a leader, in any group. */
export const inSession = async (leader: number): Promise<number[]> =>
  await filtered(await newerThan(leader), async pid => await fieldOf(pid, 6) === String(leader))

/** The processes that belong to a run according to their environment. */
export const ofRun = async (run: string): Promise<number[]> =>
  await filtered(await listed(), async pid =>
    pid !== process.pid && (await textOf(`/proc/${pid}/environ`)).split('\0').includes(`${RUN_ID}=${run}`))

/** Signals a process group. A group that has ended is not an error. */
export function killGroup (pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {}
}

/** Signals processes. A process that has ended is not an error. */
export function signalAll (pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {}
  }
}

/** Kills the remains of a child of an earlier process: its group when the pid is still the recorded process or contains
 *  processes of the run, and all processes of the run. Resolves to true when there were any. */
export async function endOrphan (child: Child, run: string): Promise<boolean> {
  const started = await startedAt(child.pid)
  const left = await ofRun(run)
  const isGroup = started === null ? await isIn(child.pid, left) : child.started !== '' && started === child.started
  if (isGroup) killGroup(child.pid, 'SIGKILL')
  signalAll(left, 'SIGKILL')
  return isGroup || left.length > 0
}

/** True when one of the processes is in the group. */
const isIn = async (group: number, pids: readonly number[]): Promise<boolean> =>
  (await filtered(pids, async pid => await fieldOf(pid, 5) === String(group))).length > 0
