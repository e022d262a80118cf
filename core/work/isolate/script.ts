import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { Fatal } from '../../model/run/outcome.ts'
import { SECOND } from '../../model/base/duration.ts'
import { setNiceness, exited, withNiceness, minimalEnvironment } from './processes/spawn.ts'
import { RUN_ID, startedAt } from './processes/process-group.ts'
import { RunTree } from './processes/run-tree.ts'
import { outOfMemory } from '../../model/errors/run-errors.ts'
import { outputReader } from './script-output.ts'
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
    const exit = exited(process)
    if (pid !== undefined) await child({ pid, started: await startedAt(pid) ?? '' })
    const { code, signal } = await exit
    const written = out.end()
    ctx.signal.throwIfAborted()
    if (tree.heldBytes !== null) throw outOfMemory({ limitMb, heldBytes: tree.heldBytes })
    return answer({ work, ctx, code, signal, written: { ...written, last: err.end().last || written.last } })
  } finally {
    clear()
    // Processes that the script left behind must not outlive it.
    used(await tree.end({ stopped: ctx.signal.aborted }))
  }
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

function answer ({ work: { exit_codes: codes }, ctx, code, signal, written }: Answer): unknown {
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
