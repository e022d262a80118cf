import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { ConfigFile } from '../../core/model/config/config.ts'
import type { Served } from '../served.ts'
import type { State } from '../../core/model/run/run.ts'
import type { TaskView } from '../../core/model/view/task-view.ts'
import { CONFIG } from '../product.ts'
import { serve } from '../served.ts'

/** What the server has seen since it was last asked: delays of its event loop in ms; memory in bytes, `heap` after a
 *  collection. */
export interface Figures {
  p999: number
  longest: number
  rss: number
  heap: number
}

/** A server on a folder, in a process of its own, that can be asked how it is. */
export interface Soaked extends Served {
  /** The JSON of the response; throws an Error with the text of a refusal. */
  call: (method: string, path: string, body?: unknown) => Promise<unknown>
  figures: () => Promise<Figures>
  kill: () => Promise<void>
}

const CLI = join(import.meta.dirname, '../../bin/offpeak.js')
const PROBE = join(import.meta.dirname, 'probe.ts')

/** Task files and a configuration that holds nothing for load. */
export function furnish (folder: string, files: Record<string, string>, more: ConfigFile = {}): void {
  mkdirSync(join(folder, 'backgroundtask'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const manager = { ...CONFIG.manager, ...more.manager }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...CONFIG, server: { port: 0 }, ...more, manager }))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, 'backgroundtask', name), text, { mode: 0o755 })
  }
}

/** Starts offpeak on a folder. `heap`: each look leaves a snapshot of the heap in the folder. */
export async function start (folder: string, { heap = false } = {}): Promise<Soaked> {
  const file = join(folder, 'figures.json')
  const env = { OFFPEAK_SOAK: file, ...heap && { OFFPEAK_SOAK_HEAP: '1' } }
  const served = await serve(['--import', PROBE, CLI, 'start', '--config', join(folder, 'config.json')], env)
  const token = readFileSync(join(folder, 'data/token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return {
    ...served,
    call: async (method, path, body) => {
      const answer = await fetch(`${served.url}${path}`, {
        method,
        headers,
        ...body !== undefined && { body: JSON.stringify(body) }
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
      return JSON.parse(text) as unknown
    },
    figures: async () => {
      rmSync(file, { force: true })
      process.kill(served.pid, 'SIGUSR2')
      while (!existsSync(file)) await pause(10)
      return JSON.parse(readFileSync(file, 'utf8')) as Figures
    },
    kill: async () => {
      process.kill(served.pid, 'SIGKILL')
      await served.stop()
    }
  }
}

/** Waits until a condition holds; throws an Error that names it after `ms`. */
export async function until (what: string, holds: () => Promise<boolean> | boolean, ms = 600_000): Promise<void> {
  const end = performance.now() + ms
  while (!await holds()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${ms / 1000} s`)
    await pause(50)
  }
}

/** How many runs of a task are in a state. */
export async function counted (server: Soaked, task: string, state: State): Promise<number> {
  const { counts } = await server.call('GET', `/api/tasks/${task}`) as TaskView
  return counts[state]
}

/** Adds runs of a task over HTTP, a thousand a call. `due_at`: when all of them are due. */
export async function addRuns (server: Soaked, task: string, count: number, due_at?: string): Promise<void> {
  for (let left = count; left > 0; left -= 1000) {
    const runs = Array.from({ length: Math.min(left, 1000) }, () => ({ task, ...due_at !== undefined && { due_at } }))
    await server.call('POST', '/api/runs/bulk', { runs })
  }
}
