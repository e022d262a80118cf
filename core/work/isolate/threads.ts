import { MessageChannel } from 'node:worker_threads'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { extname, join } from 'node:path'
import { SECOND } from '../../model/base/duration.ts'
import { after } from '../../model/base/clock.ts'
import { answerOf, isOurs } from './wire.ts'
import { attend, jobOf } from './supervisor.ts'
import { failureOf } from '../../model/run/failure.ts'
import { ThreadChildren } from './thread-children.ts'
import { metered } from './processes/meter.ts'
import { mostUsage } from '../../model/run/usage.ts'
import { onceAborted } from './processes/spawn.ts'
import { outOfMemory, workDied } from '../../model/errors/run-errors.ts'
import type { Piscina } from 'piscina'
import type { Clock } from '../../model/base/clock.ts'
import type { Down, Port, Up } from './wire.ts'
import type { MemoryBound } from './processes/meter.ts'
import type { Listener, Notice } from '../../model/notice.ts'
import type { MessagePort, Worker } from 'node:worker_threads'
import type { ExecutionPorts } from './execution-ports.ts'
import type { TaskContext } from '../../model/task/context.ts'
import type { Usage } from '../../model/run/usage.ts'
import type { Work } from '../../model/task/task.ts'

type Isolated = Extract<Work, { kind: 'isolated' }>
type Attended = ReturnType<typeof attend>

/** The connection to a thread: the two ports, the supervisor, and the controller that ends it. `thread` and `before`:
 *  the thread and the processor time that it had used before, once the run has begun. `heldBytes`: the memory that it
 *  held when it exceeded its limit. */
interface Line {
  far: MessagePort
  near: MessagePort
  attended: Attended
  kill: AbortController
  clock: Clock
  thread?: Worker
  before?: NodeJS.CpuUsage
  heldBytes?: number
}

const HOST = join(import.meta.dirname, `thread${extname(import.meta.filename)}`)
/** A thread ends after being idle for this long, ms. */
const IDLE = 10 * SECOND
const MIB = 2 ** 20
/** The share of the grace after which the processes that the run has started get SIGTERM. */
const TERM_AFTER = 0.8

const wired = (port: MessagePort): Port<Down, Up> => ({
  post: message => port.postMessage(message, []),
  listen: receive =>
    void port.on('message', message => {
      if (isOurs(message)) receive(message as Up)
    })
})

/** How long a thread may take to report its usage before it is ended, ms. */
const LAST_LOOK = 100

async function threadUsed ({ thread, before }: Line): Promise<Usage | null> {
  try {
    const [cpu, heap] = await Promise.all([thread?.cpuUsage(before), thread?.getHeapStatistics()])
    if (!cpu || !heap) return null
    return {
      cpu_seconds: Math.round((cpu.user + cpu.system) / 1000) / 1000,
      memory_peak_bytes: heap.total_heap_size + heap.external_memory,
      read_bytes: null,
      written_bytes: null
    }
  } catch {
    // A thread that has ended has no statistics.
    return null
  }
}

/** The used heap of a thread and its external memory, such as Buffers, in bytes. */
async function heapOf ({ thread }: Line): Promise<number> {
  const heap = await thread?.getHeapStatistics().catch(() => null)
  return heap ? heap.used_heap_size + heap.external_memory : 0
}

/** The memory limit of a thread. V8 limits only the heap, not external memory. Garbage counts until it is collected, so
 *  the limit is exceeded only when two measurements in a row exceed it. */
function boundOf (limitMb: number | null, line: Line, end: () => void): MemoryBound | null {
  if (limitMb === null) return null
  let before = 0
  const held = async () => {
    const now = await heapOf(line)
    const both = Math.min(before, now)
    before = now
    return both
  }
  const over = (bytes: number) => {
    line.heldBytes = bytes
    end()
  }
  return { bytes: limitMb * MIB, seen: ({ memory_peak_bytes: bytes }) => bytes, held, over }
}

const waited = (clock: Clock, ms: number) =>
  new Promise<void>(resolve => {
    after(clock, ms, resolve)
  })

/** The threads in which functions are executed. They are started on demand, reused, and ended when a function does not
 *  stop. */
export class Threads {
  readonly #notice: Listener
  readonly #pools = new Map<number | null, Piscina>()
  readonly #exits = new WeakMap<Worker, number | null>()

  constructor (notice: Listener) {
    this.#notice = notice
  }

  /** The number of threads. */
  get size (): number {
    return [...this.#pools.values()].reduce((sum, { threads }) => sum + threads.length, 0)
  }

  /** Executes a run in a thread. A run that does not stop within the grace is ended together with its thread. Rejects
   *  with OFFPEAK_WORK_DIED or OFFPEAK_OUT_OF_MEMORY when the thread ends before the function. */
  async run (
    work: Isolated,
    ctx: TaskContext,
    { given, clock, graceMs, uncaught, used }: ExecutionPorts
  ): Promise<unknown> {
    ctx.signal.throwIfAborted()
    const { port1, port2 } = new MessageChannel()
    const kill = new AbortController()
    const attended = attend({ ctx, given, port: wired(port1), uncaught })
    const children = new ThreadChildren(ctx.run_id)
    const line: Line = { far: port2, near: port1, attended, kill, clock }
    const end = async () => {
      await children.signal('SIGKILL')
      await Promise.race([meter.look(), wait(LAST_LOOK)])
      kill.abort()
    }
    const meter = metered(() => threadUsed(line), boundOf(work.memory_mb, line, () => void end()))
    void attended.began.then(place => children.begin(place))
    const cancel = onceAborted(ctx.signal, clock, [{
      ms: graceMs * TERM_AFTER,
      act: () => void children.signal('SIGTERM')
    }, {
      ms: graceMs,
      act: () => void end()
    }])
    try {
      port1.postMessage({ say: 'start', job: jobOf(work.home, given) } satisfies Down, [])
      await this.#execute(work, line)
      return answerOf(attended.ending!.ended)
    } finally {
      cancel()
      attended.end()
      port1.close()
      used(mostUsage(attended.ending?.used ?? null, meter.end()))
      // Processes that a function started may continue after it has returned, but not when it was stopped or did not
      // return.
      if (ctx.signal.aborted || attended.ending === null) await children.end()
    }
  }

  /** Ends every thread. */
  async close (): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map(pool => pool.destroy()))
  }

  /** Resolves when the end of the function is reported and its thread is free. Rejects when the thread was ended. */
  async #execute ({ memory_mb: limitMb }: Isolated, line: Line): Promise<void> {
    const { far, near, attended, kill, clock } = line
    // Imported on demand, because most tasks do not run in a thread.
    const { Piscina } = await import('piscina')
    const pool = this.#poolFor(limitMb, Piscina)
    const closed = once(near, 'close')
    const running = pool.run(Piscina.move(far), { signal: kill.signal })
    void attended.began.then(({ thread: id, cpu }) => {
      const thread = pool.threads.find(({ threadId }) => threadId === id)
      if (thread) Object.assign(line, { thread, before: cpu })
      if (thread) this.#watch(thread)
    })
    void attended.over.then(({ worn }) => {
      if (worn) kill.abort()
    })
    try {
      await running
      await attended.over
    } catch (error) {
      // Messages sent before the end may still arrive.
      if (!kill.signal.aborted) await Promise.race([closed, waited(clock, SECOND)])
      if (attended.ending !== null) return
      if (line.heldBytes !== undefined) throw outOfMemory({ limitMb, heldBytes: line.heldBytes })
      if ((error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY') {
        throw outOfMemory({ limitMb, cause: error })
      }
      const exit = line.thread && this.#exits.get(line.thread)
      throw typeof exit !== 'number' || kill.signal.aborted ? error : workDied(`exited with code ${exit}`)
    }
  }

  /** Records the exit code of a thread. */
  #watch (thread: Worker): void {
    if (this.#exits.has(thread)) return
    this.#exits.set(thread, null)
    thread.once('exit', code => this.#exits.set(thread, code))
  }

  /** The pool of threads with one memory limit. Slots limit the number of threads. */
  #poolFor (limitMb: number | null, Pool: typeof Piscina): Piscina {
    const known = this.#pools.get(limitMb)
    if (known) return known
    const pool = new Pool({
      filename: HOST,
      minThreads: 0,
      maxThreads: Infinity,
      idleTimeout: IDLE,
      atomics: 'disabled',
      recordTiming: false,
      ...limitMb === null ? {} : { resourceLimits: { maxOldGenerationSizeMb: limitMb } }
    })
    pool.on('message', (notice: Notice) => this.#notice(notice))
    // A thread that ends while it is idle is replaced on demand.
    pool.on('error',
      (error: unknown) => this.#notice({ kind: 'late_error', id: null, task: null, error: failureOf(error) }))
    this.#pools.set(limitMb, pool)
    return pool
  }
}
