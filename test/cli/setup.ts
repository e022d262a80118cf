import { spawn } from '../child.ts'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CALM } from '../calm.ts'
import { host } from './host.ts'
import type { ChildProcess } from 'node:child_process'
import type { Test } from 'tap'
import { scratch } from '../work/harness.ts'
import { until } from '../load/until.ts'

export const BIN = fileURLToPath(new URL('../../bin/offpeak.js', import.meta.url))

export const TASKS = {
  'echo.mjs': `export default { id: 'echo', name: 'Echo', trigger: 'cron', trigger_args: { hour: 3 }, timezone: 'UTC',
    func: async ctx => {
      ctx.progress.setTotal(2, 'words')
      ctx.log.info({ received: ctx.payload }, 'received \\u001b[31mred')
      ctx.progress.advance(2)
      return ctx.payload
    } }`,
  'more.mjs': `export const TASK_DEFINITIONS = [
    { id: 'fails', max_retries: 0, func: () => { throw new Error('it broke') } },
    { id: 'skips', func: ctx => ctx.skip('nothing to do') },
    { id: 'stays', func: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))) },
    { id: 'deaf', func: () => new Promise(resolve => setTimeout(resolve, 60_000)) }]`
}

const { PATH, HOME, TMPDIR } = process.env
const BASE = { PATH, HOME, ...TMPDIR && { TMPDIR }, TZ: 'UTC', ...CALM }

export interface Output {
  code: number | null
  out: string
  err: string
}
export interface Asked {
  cwd: string
  env?: Record<string, string>
  input?: string
  node?: string[]
  /** The program; that of the checkout when absent. */
  bin?: string
}

/** Starts one command, and collects its output. */
export function launch (args: readonly string[], { cwd, env = {}, node = [], bin = BIN }: Asked) {
  const child = spawn(process.execPath, [...node, bin, ...args], { cwd, env: { ...BASE, ...env }, stdio: 'pipe' })
  const output = { code: null as number | null, out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    output.out += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    output.err += chunk.toString()
  })
  child.stdin.on('error', () => undefined)
  return { child, output }
}

/** Runs one command to its end, in a process of its own or in one that runs many. */
export async function cli (args: readonly string[], asked: Asked): Promise<Output> {
  const { cwd, env, input, node, bin } = asked
  const isPlain = input === undefined && node === undefined && bin === undefined
  if (isPlain && host.takes(args)) return await host.run({ args, cwd, env: { ...BASE, ...env } })
  const { child, output } = launch(args, asked)
  child.stdin.end(asked.input ?? '')
  const [code] = await once(child, 'close')
  return { ...output, code: code as number | null }
}

export interface Server {
  child: ChildProcess
  output: Output
  url: string
  over: Promise<number | null>
}

/** A server in a folder, listening; killed at teardown when it still lives. */
export async function serve (t: Test, args: readonly string[], asked: Asked): Promise<Server> {
  const { child, output } = launch(['start', ...args], asked)
  const over = once(child, 'close').then(([code]) => code as number | null)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await over
  })
  await until(() => output.err.includes('the token is') || child.exitCode !== null)
  return { child, output, over, url: /answers at (\S+)/.exec(output.err)?.[1] ?? '' }
}

/** A folder with a configuration for a free port and some tasks. */
export function place (t: Test, config: object = {}, tasks: Record<string, string> = TASKS): string {
  const folder = scratch(t)
  mkdirSync(join(folder, 'backgroundtask'))
  const files = {
    'package.json': '{ "type": "module" }',
    'config.json': JSON.stringify({ server: { port: 0 }, ...config })
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  for (const [name, text] of Object.entries(tasks)) writeFileSync(join(folder, 'backgroundtask', name), text)
  return folder
}
