import { readFile, readdir } from 'node:fs/promises'
import type { Child } from '../../model/run/run.ts'

/** What the environment of a process says of the run that it belongs to; all that it starts has it too. */
export const RUN_ID = 'OFFPEAK_RUN_ID'

const textOf = async (file: string) => await readFile(file, 'utf8').catch(() => '')

/** One field of /proc/<pid>/stat, proc(5), counted from 1; null where there is no such process or no /proc. */
async function fieldOf (pid: number | string, field: number): Promise<string | null> {
  const stat = await textOf(`/proc/${pid}/stat`)
  // The name in parentheses, the second field, may hold spaces and parentheses of its own.
  return stat === '' ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3] ?? null
}

/** The start time of a process as the kernel tells it, or null where there is no such process or no /proc. With the pid it names one process
 *  for as long as the machine is up. */
export const startedAt = async (pid: number): Promise<string | null> => await fieldOf(pid, 22)

/** True when a process of the group belongs to the run. */
async function isLeft (group: number, run: string): Promise<boolean> {
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(pid) || await fieldOf(pid, 5) !== String(group)) continue
    if ((await textOf(`/proc/${pid}/environ`)).split('\0').includes(`${RUN_ID}=${run}`)) return true
  }
  return false
}

/** Signals a whole process group; a group that is gone is no error. */
export function killGroup (pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {}
}

/** Ends what is left of a child of an earlier process: only when the pid still is the process that was recorded, or when that has ended and
 *  what it had started for the run has not. */
export async function endOrphan (child: Child, run: string): Promise<boolean> {
  const started = await startedAt(child.pid)
  const ours = started === null ? await isLeft(child.pid, run) : child.started !== '' && started === child.started
  if (!ours) return false
  killGroup(child.pid, 'SIGKILL')
  return true
}
