import { get } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { served } from './server.ts'
import { taskFile } from '../manager/home.ts'
import type { IncomingMessage } from 'node:http'

const SPIN =
  'await null\nconst end = Date.now() + (ctx.payload?.ms ?? 1e9)\nwhile (Date.now() < end) ;\nreturn "let go"'
const SYNC = '(await import("node:child_process")).execSync("sleep 600")'
/** Two tasks that block the event loop, and one that waits. */
export const FILES = {
  'spin.ts': taskFile('spin', SPIN, { max_retries: 0 }),
  'sync.ts': taskFile('sync', SYNC, { max_retries: 0 }),
  'long.ts': taskFile('long', 'await new Promise(r => setTimeout(r, 60000))', { max_retries: 0 })
}
export const CONFIG = { manager: { stop_grace: 1 } }

export interface Health {
  status: string
  reasons: string[]
  loop: { standing: { runs: { id: string, task: string }[], exact: boolean, where: string | null } | null,
    stood: { runs: { id: string }[] }[] }
}
export interface Problem {
  code: string
  detail: string
}
export type Served = Awaited<ReturnType<typeof served>>

/** Adds a run that is due a second later, so that the response is sent before the loop is blocked. */
export const add = async ({ call }: Served, task: string, payload = {}) =>
  ((await call('POST', `/api/tasks/${task}/runs`, { payload, delay: 1 })).body as { id: string }).id

/** One request on a new connection; an open one is served by the blocked loop. */
export async function ask ({ url }: Served, path: string): Promise<{ status: number, body: { state?: string } }> {
  const request = get(url + path, { agent: false, signal: AbortSignal.timeout(2000) })
  const [answer] = await once(request, 'response') as [IncomingMessage]
  return { status: answer.statusCode!, body: JSON.parse(await text(answer)) as { state?: string } }
}

/** The response of health while the loop is blocked, otherwise null. */
export const standing = async (it: Served): Promise<Health | null> => {
  const { status, body } = await ask(it, '/api/health').catch(() => ({ status: 0, body: null }))
  return status === 503 && (body as unknown as Health).loop?.standing ? body as unknown as Health : null
}
