import { spawn } from '../child.ts'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createManager } from '../../core/manager.ts'
import { scratch } from '../work/harness.ts'
import { CALM } from '../calm.ts'
import { until } from '../clock.ts'
import type { Owner } from '../work/harness.ts'
import type { TaskManager } from '../../core/manager.ts'

const BIN = resolve(import.meta.dirname, '../../bin/offpeak.js')

interface StartAsk {
  files?: Record<string, string>
  config?: object
  root?: string
  env?: NodeJS.ProcessEnv
}

/** Starts `offpeak start` in a folder with these task files, without waiting for it. The test kills it at its end. */
export function launched (t: Owner, { files = {}, config = {}, root = scratch(t), env = {} }: StartAsk) {
  mkdirSync(join(root, 'backgroundtask'), { recursive: true })
  writeFileSync(join(root, 'config.json'), JSON.stringify(config))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'backgroundtask', name), text)
  let output = ''
  const child = spawn(process.execPath, [BIN, 'start', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: root, ...CALM, ...env }
  })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  return { root, child, exit, output: () => output }
}

/** The same, once the server answers or has ended; `url` is empty in the second case. */
export async function served (t: Owner, ask: StartAsk) {
  const { root, child, exit, output } = launched(t, ask)
  await until('it answers',
    () => /answers at http/.test(output()) || child.exitCode !== null || child.signalCode !== null)
  const url = /answers at (http:\S+)/.exec(output())?.[1] ?? ''
  const token = () => readFileSync(join(root, 'data/token'), 'utf8').trim()
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token()}`,
        ...body === undefined ? {} : { 'content-type': 'application/json' }
      },
      ...body === undefined ? {} : { body: JSON.stringify(body) }
    })
    return { status: answer.status, body: await answer.json() as never }
  }
  return { root, child, exit, url, call, output }
}

/** A manager on the data of an ended process, with its engine started alone. */
export async function left (t: Owner, root: string): Promise<TaskManager> {
  const manager = await createManager({ root, files: 'none', env: {} })
  await manager.engine.start()
  t.teardown(() => manager.engine.stop())
  return manager
}
