import { spawn } from '../test/child.ts'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIG } from './product.ts'

/** A server in a process of its own. `readyMs`: from its start to the message that it listens. `stop` resolves to its
 *  output. */
export interface Served {
  url: string
  pid: number
  readyMs: number
  stop(): Promise<string>
}

const ANSWERS = /answers at (http:\S+)/

/** Starts a program of this project and waits until it prints its URL. */
export async function serve (args: readonly string[], env: Record<string, string> = {}): Promise<Served> {
  const begun = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
      const url = ANSWERS.exec(output)?.[1]
      if (url !== undefined) resolve(url)
    })
  }
  child.once('error', reject)
  child.once('exit', () => reject(new Error(`it ended before it answered: ${output.slice(-500)}`)))
  const url = await promise
  const readyMs = performance.now() - begun
  const stop = async () => {
    if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'close')
    return output
  }
  return { url, pid: child.pid!, readyMs, stop }
}

export const BARE = join(import.meta.dirname, 'apps/bare.ts')
export const BUSY = join(import.meta.dirname, 'apps/busy.ts')
const CLI = join(import.meta.dirname, '../bin/offpeak.js')

/** Fills a folder with a configuration and task files, each with one scheduled task. */
export function furnish (folder: string, files: number): void {
  const tasks = join(folder, 'backgroundtask')
  mkdirSync(tasks, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...CONFIG, server: { port: 0 } }))
  for (let index = 0; index < files; index++) writeFileSync(join(tasks, `task_${index}.ts`), taskFile(index))
}

const taskFile = (index: number) => `
interface Ask { path: string, count: number }

async function work ({ path, count }: Ask): Promise<number> {
  return path.length + count
}

export const TASK_DEFINITIONS = [{
  id: 'task_${index}', name: 'Task ${index}', trigger: 'cron', trigger_args: { month: ${
  new Date(Date.now() + 180 * 86_400_000).getUTCMonth() + 1
}, day: 1, hour: 3, minute: ${index % 60} },
  func: async () => work({ path: 'somewhere', count: ${index} })
}]
`

/** Starts the product as a person does, on a prepared folder. */
export const serveOffpeak = (folder: string) => serve([CLI, 'start', '--config', join(folder, 'config.json')])
