import { spawn } from 'node:child_process'
import { extname, join } from 'node:path'
import { compileCacheArgs } from '../../load/file/compile-cache.ts'
import { attend, jobOf } from './supervisor.ts'
import { answerOf, isOurs } from './wire.ts'
import { setNiceness, exited, withNiceness, minimalEnvironment, onceAborted } from './processes/spawn.ts'
import { RUN_ID, startedAt } from './processes/process-group.ts'
import { RunTree } from './processes/run-tree.ts'
import { mostUsage } from '../../model/run/usage.ts'
import { outOfMemory, workDied } from '../../model/errors/run-errors.ts'
import { outputReader } from './script-output.ts'
import type { ChildProcess } from 'node:child_process'
import type { Down, Port, Up } from './wire.ts'
import type { Exit } from './processes/spawn.ts'
import type { ExecutionPorts } from './execution-ports.ts'
import type { TaskContext } from '../../model/task/context.ts'
import type { Work } from '../../model/task/task.ts'

type Isolated = Extract<Work, { kind: 'isolated' }>

const HOST = join(import.meta.dirname, `child-entry${extname(import.meta.filename)}`)
/** The share of the grace after which the processes of the run get SIGTERM. */
const TERM_AFTER = 0.8
/** The text that V8 writes before it aborts, because the exit code does not reveal the cause. */
const NO_MEMORY = /JavaScript heap out of memory/

const wired = (child: ChildProcess): Port<Down, Up> => ({
  // Messages to a process that has just ended are dropped; its end is received as its exit.
  post: message => {
    if (child.connected) child.send(message, () => undefined)
  },
  listen: receive =>
    void child.on('message', message => {
      if (isOurs(message)) receive(message as Up)
    })
})

function start ({ memory_mb: memory, env, ...manners }: Isolated, run: string): ChildProcess {
  const flags = memory === null ? [] : [`--max-old-space-size=${memory}`]
  const [program, ...words] = withNiceness([process.execPath, ...flags, HOST, String(process.pid),
    ...compileCacheArgs()], manners)
  const child = spawn(program, words, {
    env: { ...minimalEnvironment(), ...env, [RUN_ID]: run },
    shell: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced'
  })
  setNiceness(child, manners)
  return child
}

/** Logs the output of the process. `last`: its last line on standard error. */
function output (child: ChildProcess, { log, progress }: TaskContext) {
  const read = { last: '', noMemory: false }
  const warn = (text: unknown) => {
    read.last = String(text)
    read.noMemory ||= NO_MEMORY.test(read.last)
    log.warn(text)
  }
  const out = outputReader({ progress, log: { warn: text => log.info(text) } }, 'warn')
  const err = outputReader({ progress, log: { warn } }, 'warn')
  child.stdout!.setEncoding('utf8').on('data', (chunk: string) => out.write(chunk))
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => err.write(chunk))
  const end = () => {
    out.end()
    err.end()
  }
  return { read, end }
}

interface Death {
  exit: Exit
  read: { last: string, noMemory: boolean }
  heldBytes: number | null
  work: Isolated
}

function deathOf (
  { exit: { code, signal }, read: { last, noMemory }, heldBytes, work: { memory_mb: limitMb } }: Death
): Error {
  const words = code === null ? `ended by ${signal}` : `exited with code ${code}`
  if (heldBytes !== null) return outOfMemory({ limitMb, heldBytes })
  if (noMemory) return outOfMemory({ limitMb, cause: workDied(words) })
  return workDied(last === '' || code === null ? words : `${words}: ${last}`)
}

/** Executes a run in a process with its own group and session. A stop is passed on to the function; then the process
 *  and its descendants get SIGTERM, then SIGKILL. At its end, everything left in its session is killed. Rejects with
 *  OFFPEAK_WORK_DIED or OFFPEAK_OUT_OF_MEMORY when the process ends before the function. */
export async function inProcess (work: Isolated, ctx: TaskContext, ports: ExecutionPorts): Promise<unknown> {
  ctx.signal.throwIfAborted()
  const { given, child: record, clock, graceMs, uncaught, used } = ports
  const child = start(work, ctx.run_id)
  const { pid } = child
  const exit = exited(child)
  exit.catch(() => undefined)
  const outputs = output(child, ctx)
  const tree = new RunTree({ pid, run: ctx.run_id, limitMb: work.memory_mb, isOwn: false })
  const cancel = onceAborted(ctx.signal, clock, [{ ms: graceMs * TERM_AFTER, act: () => tree.signal('SIGTERM') }, {
    ms: graceMs,
    act: () => tree.signal('SIGKILL')
  }])
  const port = wired(child)
  let attended: ReturnType<typeof attend> | undefined
  try {
    // The process is recorded before the task begins, so that it can be found after a crash of this one.
    if (pid !== undefined) await record({ pid, started: await startedAt(pid) ?? '' })
    ctx.signal.throwIfAborted()
    port.post({ say: 'start', job: jobOf(work.home, given) })
    attended = attend({ ctx, given, port, uncaught })
    void attended.began.then(({ held }) => tree.empty(held))
    await Promise.race([attended.over, exit])
    tree.signal('SIGKILL')
    const end = await exit
    outputs.end()
    if (attended.ending === null) throw deathOf({ exit: end, read: outputs.read, heldBytes: tree.heldBytes, work })
    return answerOf(attended.ending.ended)
  } finally {
    cancel()
    attended?.end()
    used(mostUsage(attended?.ending?.used ?? null, await tree.end({ stopped: ctx.signal.aborted })))
  }
}
