import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, isAbsolute, join } from 'node:path'
import type { ChildProcess } from 'node:child_process'

const MOST_OUTPUT = 64 * 1024
const INHERITED = ['PATH', 'HOME', 'LANG', 'TZ', 'USER', 'TMPDIR', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS',
  'SystemRoot', 'TEMP'] as const

interface ExecAsk {
  argv: readonly string[]
  timeoutMs: number
  signal?: AbortSignal | undefined
}
/** The result of a program. `code` is null if a signal ended it. */
interface Exit {
  code: number | null
  output: string
}
/** Runs a program without a shell. Rejects if it cannot start, times out or is aborted. */
export type Exec = (ask: ExecAsk) => Promise<Exit>

const environment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(INHERITED.flatMap(name => process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  // The output is parsed, so it must not depend on the locale.
  LC_ALL: 'C'
})

/** Kills the process group of the program. */
function end (child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

/** Runs programs in a process group of their own, with a minimal environment and limited output. */
export const exec: Exec = ({ argv: [program, ...words], timeoutMs, signal }) =>
  new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Error('called off'))
    const child = spawn(program!, words, {
      env: environment(),
      shell: false,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore']
    })
    let output = ''
    const settle = (done: () => void) => {
      clearTimeout(bound)
      signal?.removeEventListener('abort', abort)
      // Processes that it left in its group are killed.
      end(child)
      child.stdout.destroy()
      done()
    }
    const abort = () => settle(() => reject(new Error('called off')))
    const bound = setTimeout(() => settle(() => reject(new Error(`no answer within ${timeoutMs} ms`))), timeoutMs)
    signal?.addEventListener('abort', abort, { once: true })
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(0, MOST_OUTPUT)
    })
    child.once('error', error => settle(() => reject(error)))
    child.once('close', code => settle(() => resolve({ code, output })))
  })

/** True if a program with this name can be started. */
export async function isInstalled (program: string, path = process.env.PATH ?? ''): Promise<boolean> {
  const candidates = isAbsolute(program)
    ? [program]
    : path.split(delimiter).filter(Boolean).map(folder => join(folder, program))
  const found = await Promise.all(candidates.map(file => access(file, constants.X_OK).then(() => true, () => false)))
  return found.includes(true)
}
