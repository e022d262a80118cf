import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { extname, join } from 'node:path'
import type { Thrown } from './fault.ts'

/** What came of importing a file in a process of its own. */
export type Probed =
  | { kind: 'good' }
  | { kind: 'thrown', thrown: Thrown }
  /** Not done within the bound. */
  | { kind: 'hung' }
  /** The whole process ended with it. */
  | { kind: 'ended', code: number | null, signal: string | null }

export interface ProbeAsk {
  files: readonly string[]
  /** How long one import may take. */
  boundMs: number
  signal?: AbortSignal | undefined
}

const IMPORTER = join(import.meta.dirname, `importer${extname(import.meta.filename)}`)
const INHERITED = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'SystemRoot', 'TEMP'] as const

const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(INHERITED.flatMap(name => process.env[name] === undefined ? [] : [[name, process.env[name]]]))

function start (): ChildProcess {
  return spawn(process.execPath, [IMPORTER], { env: environment(), detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
}

/** Ends the child and everything that it has started. */
function end (child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

interface Message { ticket: string, thrown: Thrown | null }

/** The answer to one ticket, or how the child failed to give it. */
function answerTo (child: ChildProcess, { ticket, boundMs }: { ticket: string, boundMs: number }): Promise<Probed> {
  return new Promise(done => {
    const settle = (probed: Probed) => {
      clearTimeout(bound)
      child.off('message', hear).off('exit', ended).off('error', failed)
      done(probed)
    }
    const hear = (message: unknown) => {
      const { ticket: of, thrown } = (message ?? {}) as Partial<Message>
      // A task file may send messages of its own.
      if (of === ticket) settle(thrown ? { kind: 'thrown', thrown } : { kind: 'good' })
    }
    const ended = (code: number | null, signal: string | null) => settle({ kind: 'ended', code, signal })
    const failed = (error: Error) => settle({ kind: 'thrown', thrown: { name: error.name, message: error.message, code: '', stack: '' } })
    const bound = setTimeout(() => settle({ kind: 'hung' }), boundMs)
    child.on('message', hear).on('exit', ended).on('error', failed)
    if (child.exitCode !== null || child.signalCode !== null) ended(child.exitCode, child.signalCode)
  })
}

function ask (child: ChildProcess, { file, boundMs }: { file: string, boundMs: number }): Promise<Probed> {
  const ticket = randomUUID()
  const answer = answerTo(child, { ticket, boundMs })
  child.send({ ticket, file }, () => undefined)
  return answer
}

/** Imports the files in turn until one takes the child down; the results so far, that one's included. */
async function batch (files: readonly string[], { boundMs, signal }: ProbeAsk): Promise<Probed[]> {
  const child = start()
  child.on('error', () => undefined)
  const abort = () => end(child)
  signal?.addEventListener('abort', abort)
  const results: Probed[] = []
  try {
    const ready = await answerTo(child, { ticket: 'ready', boundMs: Math.max(boundMs, 10_000) })
    if (ready.kind !== 'good') return files.map(() => ready)
    for (const file of files) {
      const result = await ask(child, { file, boundMs })
      results.push(result)
      if (result.kind === 'hung' || result.kind === 'ended') break
    }
    return results
  } finally {
    signal?.removeEventListener('abort', abort)
    end(child)
  }
}

/** Tries to import each file in a child process, so that one that hangs, exits or aborts harms nobody; what takes a child down is
 *  tried once more in a fresh one, in case an earlier file was to blame. Stops early when the signal is aborted. */
export async function probe (asked: ProbeAsk): Promise<Map<string, Probed>> {
  const results = new Map<string, Probed>()
  let rest = asked.files
  while (rest.length > 0 && !asked.signal?.aborted) {
    const found = await batch(rest, asked)
    const again = found.length > 1 && found.at(-1)!.kind === 'ended' && found[0]!.kind !== 'ended'
    const settled: Probed[] = again ? found.slice(0, -1) : found
    for (const [index, result] of settled.entries()) results.set(rest[index]!, result)
    rest = rest.slice(settled.length)
  }
  return results
}

/** The line at which a JavaScript file cannot be parsed, which the error of an import does not tell; null when it can be. */
export function syntaxLine (file: string): Promise<number | null> {
  return new Promise(done => {
    execFile(process.execPath, ['--check', file], { env: environment(), timeout: 10_000 }, (_error, _stdout, stderr) => {
      const line = /^.+:(\d+)$/m.exec(stderr)?.[1]
      done(line === undefined ? null : Number(line))
    })
  })
}
