import { readdirSync } from 'node:fs'
import { absent } from './files.ts'
import { numbersOf } from './number.ts'
import type { Files } from './files.ts'
import type { Roots } from './sensor.ts'

/** utime, stime, cutime, cstime are fields 14 to 17 of /proc/<pid>/stat (proc(5)): counted from field 4, the first after the letter of the state. */
const UTIME = 10
const MOST_CHILDREN = 500
/** Threads of Node's own, by name: they start no programs. */
const OWN_THREADS = new Set(['libuv-worker', 'node-V8Worker', 'DelayedTaskSche', 'SignalInspector'])

function ticksIn (stat: string): number | null {
  const at = stat.lastIndexOf(')')
  if (at < 0) return null
  // The name in parentheses may hold spaces and parentheses of its own.
  const fields = numbersOf(stat, at + 4)
  const sum = fields.slice(UTIME, UTIME + 4).reduce((total, value) => total + value, 0)
  return fields.length < UTIME + 4 || Number.isNaN(sum) ? null : sum
}

const list = (folder: string): string[] => absent(() => readdirSync(folder)) ?? []
const pidsIn = (text: string | null): string[] => text === null || text === '' ? [] : text.trim().split(' ')

/** Processor ticks of this process and of everything that it has started and that still lives.
 *  A child's ticks move to its parent when it ends, so the sum only rises. Null where the kernel does not tell. */
export function treeTicks ({ files, roots }: { files: Files, roots: Roots }): () => number | null {
  const tasks = `${roots.proc}/self/task`
  /** Of each thread: the file of its children, null for one that starts nothing. */
  let threads = new Map<string, string | null>()

  const ownChildren = (): string[] => {
    const before = threads
    threads = new Map(list(tasks).map(thread => {
      const known = before.get(thread)
      if (known !== undefined) return [thread, known]
      const name = files.once(`${tasks}/${thread}/comm`)?.trim() ?? ''
      return [thread, OWN_THREADS.has(name) ? null : `${tasks}/${thread}/children`]
    }))
    for (const [thread, file] of before) if (file !== null && !threads.has(thread)) files.forget(file)
    return [...threads.values()].flatMap(file => file === null ? [] : pidsIn(files.optional(file)))
  }

  const childrenOf = (pid: string): string[] =>
    list(`${roots.proc}/${pid}/task`).flatMap(thread => pidsIn(files.once(`${roots.proc}/${pid}/task/${thread}/children`)))

  return () => {
    const own = ticksIn(files.text(`${roots.proc}/self/stat`))
    if (own === null) return null
    let sum = own
    const waiting = ownChildren()
    for (let index = 0; index < waiting.length && index < MOST_CHILDREN; index++) {
      const stat = files.once(`${roots.proc}/${waiting[index]}/stat`)
      sum += (stat === null ? null : ticksIn(stat)) ?? 0
      waiting.push(...childrenOf(waiting[index]!))
    }
    return sum
  }
}
