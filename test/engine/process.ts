import { spawn } from '../child.ts'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const TRAFFIC = fileURLToPath(new URL('fixtures/traffic.ts', import.meta.url))

/** A folder that is removed at the end of the test. */
export function folderOf (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'offpeak-engine-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface TrafficAsk {
  folder: string
  lines: number
  synchronous?: 'full' | 'normal'
  env?: NodeJS.ProcessEnv
}

/** Starts a process with traffic on the folder, kills it with SIGKILL once it has printed `lines` lines, and resolves
 *  to all its lines. */
export async function killedTraffic (ask: TrafficAsk): Promise<string[]> {
  const { child, printed } = traffic(ask)
  let killed = false
  for await (const line of createInterface({ input: child.stdout! })) {
    printed.push(line)
    if (killed || printed.length < ask.lines) continue
    killed = child.kill('SIGKILL')
  }
  return printed
}

function traffic ({ folder, synchronous = 'full', env = {} }: TrafficAsk): { child: ChildProcess, printed: string[] } {
  const child = spawn(process.execPath, [TRAFFIC, folder, synchronous], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env }
  })
  return { child, printed: [] }
}

/** Starts a process with traffic on the folder. Resolves once it has printed a line. */
export async function livingTraffic (t: Test, folder: string): Promise<ChildProcess> {
  const { child } = traffic({ folder, lines: 0 })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise(resolve => {
    child.stdout!.once('data', resolve)
  })
  child.stdout!.resume()
  return child
}

/** Resolves when the process has ended. */
export const gone = (child: ChildProcess): Promise<unknown> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise(resolve => {
    child.once('exit', resolve)
  })
