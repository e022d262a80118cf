import { spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { Fatal } from '../../model/run/outcome.ts'
import { SECOND } from '../../model/base/duration.ts'
import { calm, exited, mannered, minimalEnvironment } from './processes/spawn.ts'
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

/** Between asking a process group to end and ending it. */
const KILL_AFTER = 3 * SECOND

/** Executes a script as a process of its own, in its own group and session; a stop reaches everything that it has
 *  started. Exit codes: `ok` completes, `warn` completes with a warning, `retry` and, while no `retry` is named, any
 *  other fails the attempt; with `retry` named, any other fails the run. Throws OFFPEAK_OUT_OF_MEMORY when it has held
 *  more than its limit. */
export async function script (
  work: Script,
  ctx: TaskContext,
  { child, used }: Pick<ExecutionPorts, 'child' | 'used'>
): Promise<unknown> {
  ctx.signal.throwIfAborted()
  const [program, ...words] = mannered([...work.interpreter ?? [], work.file, ...work.args], work)
  const process = spawn(program, words, {
    cwd: dirname(work.file),
    env: environment(work, ctx),
    shell: false,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  calm(process, work)
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
    const said = out.end()
    ctx.signal.throwIfAborted()
    if (tree.heldBytes !== null) throw outOfMemory({ limitMb, heldBytes: tree.heldBytes })
    return answer({ work, ctx, code, signal, said: { ...said, last: err.end().last || said.last } })
  } finally {
    clear()
    // What the script left behind is not to outlive it.
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

/** TERM to the script and all that it has started when the run is to stop, KILL a little later. Returns a function that
 *  ends that. */
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
  said: ScriptOutput
}

function answer ({ work: { exit_codes: codes }, ctx, code, signal, said }: Answer): unknown {
  if (code !== null && codes.ok.includes(code)) {
    return said.unkept === null
      ? said.result
      : ctx.warn(said.unkept, said.result)
  }
  const words = code === null ? `ended by ${signal}` : `exit code ${code}`
  const message = said.last === '' ? words : `${words}: ${said.last}`
  if (code !== null && codes.warn.includes(code)) return ctx.warn(message, said.result)
  if (codes.retry.length === 0 || code === null || codes.retry.includes(code)) throw new Error(message)
  throw new Fatal(message)
}
