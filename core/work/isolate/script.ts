import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { Fatal } from '../../model/run/outcome.ts'
import { SECOND } from '../../model/base/duration.ts'
import { setNiceness, exited, withNiceness, minimalEnvironment } from './processes/spawn.ts'
import { RUN_ID, startedAt } from './processes/process-group.ts'
import { RunTree } from './processes/run-tree.ts'
import { missingProgram, startedFiles } from '../../load/file/missing-program.ts'
import { refusedFor } from '../../load/file/exposures.ts'
import { outOfMemory } from '../../model/errors/run-errors.ts'
import { outputReader } from './script-output.ts'
import type { ChildProcess } from 'node:child_process'
import type { Exit } from './processes/spawn.ts'
import type { ScriptOutput } from './script-output.ts'
import type { ExecutionPorts } from './execution-ports.ts'
import type { TaskContext } from '../../model/task/context.ts'
import type { Work } from '../../model/task/task.ts'

type Script = Extract<Work, { kind: 'script' }>

/** The time between SIGTERM and SIGKILL, ms. */
const KILL_AFTER = 3 * SECOND

/** Executes a script in a process with its own group and session; a stop reaches all its descendants. Exit codes: `ok`
 *  completes, `warn` completes with a warning, `retry` fails the attempt; any other fails the run, or the attempt when
 *  no `retry` is configured. Rejects with OFFPEAK_OUT_OF_MEMORY when the limit is exceeded. */
export async function script (
  work: Script,
  ctx: TaskContext,
  { child, used }: Pick<ExecutionPorts, 'child' | 'used'>
): Promise<unknown> {
  await checkUnchanged(work)
  ctx.signal.throwIfAborted()
  const [program, ...words] = withNiceness([...work.interpreter ?? [], work.file, ...work.args], work)
  const process = spawn(program, words, {
    cwd: work.cwd ?? dirname(work.file),
    env: environment(work, ctx),
    shell: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  setNiceness(process, work)
  const out = outputReader(ctx, 'info')
  const err = outputReader(ctx, 'warn')
  process.stdout!.setEncoding('utf8').on('data', (chunk: string) => out.write(chunk))
  process.stderr!.setEncoding('utf8').on('data', (chunk: string) => err.write(chunk))
  const { pid } = process
  const { memory_mb: limitMb = null } = work
  const tree = new RunTree({ pid, run: ctx.run_id, limitMb, isOwn: true })
  const clear = stopOn(ctx.signal, tree)
  try {
    const exit = startedExit(process, work)
    if (pid !== undefined) await child({ pid, started: await startedAt(pid) ?? '' })
    const { code, signal } = await exit
    const written = out.end()
    ctx.signal.throwIfAborted()
    if (tree.heldBytes !== null) throw outOfMemory({ limitMb, heldBytes: tree.heldBytes })
    return await answer({ work, ctx, code, signal, written: { ...written, last: err.end().last || written.last } })
  } finally {
    clear()
    // Processes that the script left behind must not outlive it.
    used(await tree.end({ stopped: ctx.signal.aborted }))
  }
}

/** Throws when others may change what would be started: since it was loaded its file, or a folder above, may have got
 *  another owner or mode. */
async function checkUnchanged (work: Script): Promise<void> {
  if (work.loose) return
  const { interpreter, file, cwd = dirname(file), env } = work
  for (const started of await startedFiles({ interpreter, file, cwd, path: env.PATH })) {
    const found = await refusedFor(started)
    if (found !== null) throw new Fatal(`it was not started: ${found.message}. ${found.fix}`)
  }
}

/** True for an exit code with which a shell, `env`, `nice` or `ionice` reports that it cannot start a program. */
const mayBeLost = ({ exit_codes: { ok, warn }, ionice }: Script, code: number): boolean =>
  ![...ok, ...warn].includes(code) && (code === 126 || code === 127 || ionice !== undefined)

/** The failure of a script whose program is missing, which no further attempt would change; null when it is there. */
async function notStarted (work: Script, code = 'ENOENT'): Promise<Fatal | null> {
  if (!['ENOENT', 'EACCES', 'ENOTDIR'].includes(code)) return null
  const { interpreter, file, cwd = dirname(file), env } = work
  const message = await missingProgram({ interpreter, file, cwd, path: env.PATH })
  return message === null ? null : new Fatal(message)
}

/** The end of a process, as `exited`, with the reason if its program is missing. */
async function startedExit (process: ChildProcess, work: Script): Promise<Exit> {
  return await exited(process).catch(async (error: NodeJS.ErrnoException) => {
    throw await notStarted(work, error.code) ?? error
  })
}

function environment (work: Script, ctx: TaskContext): NodeJS.ProcessEnv {
  return {
    ...minimalEnvironment(),
    ...work.env,
    OFFPEAK_TASK: ctx.task,
    [RUN_ID]: ctx.run_id,
    OFFPEAK_ATTEMPT: String(ctx.attempt),
    OFFPEAK_DUE_AT: ctx.due_at,
    OFFPEAK_PAYLOAD: JSON.stringify(ctx.payload)
  }
}

/** Sends SIGTERM to the script and its descendants when the run is asked to stop, and SIGKILL after `KILL_AFTER`.
 *  Returns a function that cancels this. */
function stopOn (signal: AbortSignal, tree: RunTree): () => void {
  let timer: NodeJS.Timeout | undefined
  const stop = () => {
    tree.signal('SIGTERM')
    timer = setTimeout(() => tree.signal('SIGKILL'), KILL_AFTER)
  }
  signal.addEventListener('abort', stop, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

interface Answer extends Exit {
  work: Script
  ctx: TaskContext
  written: ScriptOutput
}

async function answer ({ work, ctx, code, signal, written }: Answer): Promise<unknown> {
  const { exit_codes: codes } = work
  const lost = code !== null && mayBeLost(work, code) ? await notStarted(work) : null
  if (lost !== null) throw lost
  if (code !== null && codes.ok.includes(code)) {
    return written.unkept === null
      ? written.result
      : ctx.warn(written.unkept, written.result)
  }
  const words = code === null ? `ended by ${signal}` : `exit code ${code}`
  const message = written.last === '' ? words : `${words}: ${written.last}`
  if (code !== null && codes.warn.includes(code)) return ctx.warn(message, written.result)
  if (codes.retry.length === 0 || code === null || codes.retry.includes(code)) throw new Error(message)
  throw new Fatal(message)
}
