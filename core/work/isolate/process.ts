import { spawn } from 'node:child_process'
import { extname, join } from 'node:path'
import { compileCacheArgs } from '../../load/file/compile-cache.ts'
import { attend, jobOf } from './supervisor.ts'
import { answerOf, isOurs } from './wire.ts'
import { calm, exited, mannered, minimalEnvironment, onceAborted } from './processes/spawn.ts'
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
/** Of the time that a run may take to stop: so much is its own, in the rest its process group is asked to end by the
 *  system. */
const OWN = 0.8
/** What V8 writes before it aborts: the exit of the process does not tell. */
const NO_MEMORY = /JavaScript heap out of memory/

const wired = (child: ChildProcess): Port<Down, Up> => ({
  // A message to a process that has just ended is for nobody: its end is heard as its exit.
  post: message => {
    if (child.connected) child.send(message, () => undefined)
  },
  listen: hear =>
    void child.on('message', message => {
      if (isOurs(message)) hear(message as Up)
    })
})

function start ({ memory_mb: memory, env, ...manners }: Isolated, run: string): ChildProcess {
  const flags = memory === null ? [] : [`--max-old-space-size=${memory}`]
  const [program, ...words] = mannered([process.execPath, ...flags, HOST, String(process.pid), ...compileCacheArgs()],
    manners)
  const child = spawn(program, words, {
    env: { ...minimalEnvironment(), ...env, [RUN_ID]: run },
    shell: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced'
  })
  calm(child, manners)
  return child
}

/** Logs what the process writes; `last` is its last word on standard error. */
function output (child: ChildProcess, { log, progress }: TaskContext) {
  const heard = { last: '', noMemory: false }
  const warn = (text: unknown) => {
    heard.last = String(text)
    heard.noMemory ||= NO_MEMORY.test(heard.last)
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
  return { heard, end }
}

interface Death {
  exit: Exit
  heard: { last: string, noMemory: boolean }
  heldBytes: number | null
  work: Isolated
}

function deathOf (
  { exit: { code, signal }, heard: { last, noMemory }, heldBytes, work: { memory_mb: limitMb } }: Death
): Error {
  const words = code === null ? `ended by ${signal}` : `exited with code ${code}`
  if (heldBytes !== null) return outOfMemory({ limitMb, heldBytes })
  if (noMemory) return outOfMemory({ limitMb, cause: workDied(words) })
  return workDied(last === '' || code === null ? words : `${words}: ${last}`)
}

/** Executes a run in a process of its own, in its own group and session. A stop is passed on to the function, then TERM
 *  goes to the process and all that it has started, then KILL; with its end everything ends that is still in its
 *  session. Throws OFFPEAK_WORK_DIED or OFFPEAK_OUT_OF_MEMORY when the process ended before the function. */
export async function inProcess (work: Isolated, ctx: TaskContext, ports: ExecutionPorts): Promise<unknown> {
  ctx.signal.throwIfAborted()
  const { given, child: record, clock, graceMs, uncaught, used } = ports
  const child = start(work, ctx.run_id)
  const { pid } = child
  const exit = exited(child)
  exit.catch(() => undefined)
  const said = output(child, ctx)
  const tree = new RunTree({ pid, run: ctx.run_id, limitMb: work.memory_mb, isOwn: false })
  const cancel = onceAborted(ctx.signal, clock, [{ ms: graceMs * OWN, act: () => tree.signal('SIGTERM') }, {
    ms: graceMs,
    act: () => tree.signal('SIGKILL')
  }])
  const port = wired(child)
  let attended: ReturnType<typeof attend> | undefined
  try {
    // Nothing of the task is executed before its process can be found again after a crash of this one.
    if (pid !== undefined) await record({ pid, started: await startedAt(pid) ?? '' })
    ctx.signal.throwIfAborted()
    port.post({ say: 'start', job: jobOf(work.home, given) })
    attended = attend({ ctx, given, port, uncaught })
    void attended.began.then(({ held }) => tree.empty(held))
    await Promise.race([attended.over, exit])
    tree.signal('SIGKILL')
    const end = await exit
    said.end()
    if (attended.told === null) throw deathOf({ exit: end, heard: said.heard, heldBytes: tree.heldBytes, work })
    return answerOf(attended.told.ended)
  } finally {
    cancel()
    attended?.end()
    used(mostUsage(attended?.told?.used ?? null, await tree.end({ stopped: ctx.signal.aborted })))
  }
}
