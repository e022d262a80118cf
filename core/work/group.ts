import { readFile } from 'node:fs/promises'
import type { Child } from '../model/run.ts'

/** The start time of a process as the kernel tells it (field 22 of /proc/<pid>/stat, proc(5)), or null where there is no such process or no /proc.
 *  With the pid it names one process for as long as the machine is up. */
export async function startedAt (pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces and parentheses of its own.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}

/** Signals a whole process group; a group that is gone is no error. */
export function killGroup (pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {}
}

/** Ends what is left of a child of an earlier process: only when the pid still is the process that was recorded. */
export async function endOrphan (child: Child): Promise<boolean> {
  if (child.started === '' || await startedAt(child.pid) !== child.started) return false
  killGroup(child.pid, 'SIGKILL')
  return true
}
