import { spawn } from '../child.ts'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const TRAFFIC = fileURLToPath(new URL('fixtures/traffic.ts', import.meta.url))

/** A folder that goes with the test. */
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

/** Starts a process with traffic on the folder, kills it with -9 once it has told so many lines, and gives all that it
 *  told. */
export async function killedTraffic (ask: TrafficAsk): Promise<string[]> {
  const { child, told } = traffic(ask)
  let killed = false
  for await (const line of createInterface({ input: child.stdout! })) {
    told.push(line)
    if (killed || told.length < ask.lines) continue
    killed = child.kill('SIGKILL')
  }
  return told
}

function traffic ({ folder, synchronous = 'full', env = {} }: TrafficAsk): { child: ChildProcess, told: string[] } {
  const child = spawn(process.execPath, [TRAFFIC, folder, synchronous], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env }
  })
  return { child, told: [] }
}

/** A process with traffic on the folder that lives: resolves once it is at work. */
export async function livingTraffic (t: Test, folder: string): Promise<ChildProcess> {
  const { child } = traffic({ folder, lines: 0 })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise(resolve => {
    child.stdout!.once('data', resolve)
  })
  child.stdout!.resume()
  return child
}

/** Resolves when the process is no more. */
export const gone = (child: ChildProcess): Promise<unknown> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve() : new Promise(resolve => {
    child.once('exit', resolve)
  })
