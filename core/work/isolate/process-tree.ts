import { readFileSync, readdirSync } from 'node:fs'
import type { Used } from '../../model/run/used.ts'

/** utime, stime, cutime, cstime are fields 14 to 17 of /proc/<pid>/stat, proc(5), counted from field 3, the first after the name. */
const UTIME = 11
/** The kernel counts processor time for programs in hundredths of a second on every machine (USER_HZ, time(7)). */
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

/** Processor seconds of a process, with those of its children that have ended and were waited for. */
function secondsOf (pid: number | string): number | null {
  const stat = text(`/proc/${pid}/stat`)
  // The name in parentheses may hold spaces and parentheses of its own.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(UTIME, UTIME + 4).reduce((total, field) => total + Number(field), 0)
  return fields.length < UTIME + 4 ? null : ticks / TICKS
}

const numberIn = (from: string, pattern: RegExp): number | null => {
  const found = pattern.exec(from)?.[1]
  return found === undefined ? null : Number(found)
}

const childrenOf = (pid: number | string): string[] =>
  list(`/proc/${pid}/task`).flatMap(thread => text(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean))

function processUsed (pid: number | string): Used | null {
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

/** What a process and everything below it that lives has taken so far, and what it holds of memory now; what its ended children have taken
 *  counts as its own. Null where there is no such process or no /proc. */
export function treeUsed (pid: number): Used | null {
  let sum = processUsed(pid)
  const waiting = childrenOf(pid)
  for (let index = 0; sum !== null && index < waiting.length && index < MOST_PROCESSES; index++) {
    const one = processUsed(waiting[index]!)
    waiting.push(...childrenOf(waiting[index]!))
    if (one === null) continue
    sum = {
      cpu_seconds: sum.cpu_seconds + one.cpu_seconds,
      memory_peak_bytes: sum.memory_peak_bytes + one.memory_peak_bytes,
      read_bytes: plus(sum.read_bytes, one.read_bytes),
      written_bytes: plus(sum.written_bytes, one.written_bytes)
    }
  }
  return sum && { ...sum, cpu_seconds: Math.round(sum.cpu_seconds * TICKS) / TICKS }
}
