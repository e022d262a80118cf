import { readFileSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Usage } from '../../../model/run/usage.ts'

/** utime, stime, cutime, cstime are fields 14 to 17 of /proc/<pid>/stat, proc(5), counted from field 3, the first after
 *  the name. */
const UTIME = 11
/** pgrp is field 5. */
const PGRP = 2
/** The kernel reports processor time in hundredths of a second on every machine (USER_HZ, time(7)). */
const TICKS = 100
const MOST_PROCESSES = 500

function text (file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

function list (folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The fields of /proc/<pid>/stat from the third one on, proc(5). The name in parentheses may contain spaces and
 *  parentheses. */
function fieldsOf (pid: number): string[] {
  const stat = text(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** The process group of a process; NaN when the process does not exist. */
export const groupOf = (pid: number): number => Number(fieldsOf(pid)[PGRP] ?? NaN)

/** False for a process that does not exist and for a zombie. */
export const isAlive = (pid: number): boolean => /^[^ZX]$/.test(fieldsOf(pid)[0] ?? '')

/** The processor seconds of a process and of its children that have ended and were waited for. */
function secondsOf (pid: number): number | null {
  const fields = fieldsOf(pid)
  const ticks = fields.slice(UTIME, UTIME + 4).reduce((total, field) => total + Number(field), 0)
  return fields.length < UTIME + 4 ? null : ticks / TICKS
}

const numberIn = (from: string, pattern: RegExp): number | null => {
  const found = pattern.exec(from)?.[1]
  return found === undefined ? null : Number(found)
}

/** The living child processes of one thread of a process. */
export const startedBy = (pid: number | 'self', thread: string): number[] =>
  text(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number)

const childrenOf = (pid: number): number[] => list(`/proc/${pid}/task`).flatMap(thread => startedBy(pid, thread))

function processUsed (pid: number): Usage | null {
  const seconds = secondsOf(pid)
  if (seconds === null) return null
  const io = text(`/proc/${pid}/io`)
  return {
    cpu_seconds: seconds,
    memory_peak_bytes: 1024 * (numberIn(text(`/proc/${pid}/status`), /^VmRSS:\s*(\d+) kB/m) ?? 0),
    read_bytes: numberIn(io, /^read_bytes: (\d+)/m),
    written_bytes: numberIn(io, /^write_bytes: (\d+)/m)
  }
}

const plus = (a: number | null, b: number | null) => a === null ? b : a + (b ?? 0)

/** Processes and their living descendants, at most 500. */
export function treeOf (roots: readonly number[]): number[] {
  const pids = [...roots]
  for (let index = 0; index < pids.length && pids.length < MOST_PROCESSES; index++) {
    pids.push(...childrenOf(pids[index]!))
  }
  return pids.slice(0, MOST_PROCESSES)
}

/** The usage of a process and its living descendants so far; memory is what they hold now. Processor time of ended
 *  children counts for their parent. Null without such a process or without /proc. */
export function treeUsage (pid: number): Usage | null {
  const sum = treeOf([pid]).map(processUsed).reduce((all, one) =>
    all === null || one === null ? all ?? null : {
      cpu_seconds: all.cpu_seconds + one.cpu_seconds,
      memory_peak_bytes: all.memory_peak_bytes + one.memory_peak_bytes,
      read_bytes: plus(all.read_bytes, one.read_bytes),
      written_bytes: plus(all.written_bytes, one.written_bytes)
    }
  )
  return sum === null || sum === undefined ? null : { ...sum, cpu_seconds: Math.round(sum.cpu_seconds * TICKS) / TICKS }
}

/** The proportional set size of a process, bytes: shared pages count in part. Reading it is slow. */
export async function shareOf (pid: number): Promise<number | null> {
  const kilobytes = numberIn(await readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => ''), /^Pss:\s*(\d+) kB/m)
  return kilobytes === null ? null : 1024 * kilobytes
}

/** The memory that a process and its descendants hold, bytes. `inShares`: there are several, and shared pages count in
 *  part, see `shareOf`. */
export async function treeMemory (pid: number): Promise<{ bytes: number, inShares: boolean } | null> {
  const pids = treeOf([pid])
  let sum: number | null = null
  if (pids.length > 1) { for (const one of pids) sum = plus(sum, await shareOf(one)) }
  const bytes = sum ?? treeUsage(pid)?.memory_peak_bytes ?? null
  return bytes === null ? null : { bytes, inShares: sum !== null }
}
