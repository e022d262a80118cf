import { createServer } from 'node:net'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '../remote/client.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { isAlive, listeningFile } from '../remote/find-server.ts'
import { portOwner } from '../../sense/source/port-owner.ts'
import { readTokens } from '../../tokens.ts'
import { refuseOwned } from '../../engine/sqlite/file/lock.ts'
import { tokenFile } from '../../token.ts'
import type { HealthAnswer, PauseView } from '../remote/answers.ts'
import type { Config } from '../../model/config/config.ts'
import type { Listening } from '../remote/find-server.ts'
import type { RemoteOptions } from '../remote/options.ts'
import type { ServerFacts, TokenFacts } from './facts.ts'

/** What a server answered. */
export interface Answer {
  url: string
  answer: ServerFacts['answer']
  accepted: boolean | null
  health: HealthAnswer | null
  pauses: PauseView[]
}

function failureOf (error: unknown): Pick<Answer, 'answer' | 'accepted'> {
  if (!(error instanceof OffpeakError)) return { answer: 'other', accepted: null }
  if (error.code === 'OFFPEAK_SERVER_SILENT') return { answer: 'silent', accepted: null }
  if (error.code !== 'OFFPEAK_SERVER_UNREACHABLE') return { answer: 'yes', accepted: error.statusCode !== 401 }
  // An answer that is not that of offpeak has no cause.
  return { answer: error.cause === undefined ? 'other' : 'no', accepted: null }
}

/** Asks the server for its health and pauses. Throws when its address cannot be found. */
export async function askServer (given: RemoteOptions): Promise<Answer> {
  const client = await Client.find(given)
  const { url } = client
  try {
    const health = await client.health() as HealthAnswer | null
    if (!Array.isArray(health?.reasons)) {
      return { url, answer: 'other', accepted: null, health: null, pauses: [] }
    }
    const pauses = await client.get<PauseView[]>('/api/pauses').catch(() => [])
    return { url, answer: 'yes', accepted: true, health, pauses }
  } catch (error) {
    return { url, ...failureOf(error), health: null, pauses: [] }
  }
}

/** A port and the code for which it cannot be listened on; null if it can. */
async function portFacts ({ host, port }: Pick<Config['server'], 'host' | 'port'>): Promise<ServerFacts['port']> {
  const trial = createServer()
  try {
    trial.listen({ host, port })
    await once(trial, 'listening')
    return { host, port, code: null, program: null }
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException
    return { host, port, code, program: code === 'EADDRINUSE' ? await portOwner(port) : null }
  } finally {
    trial.close()
  }
}

/** The owner of a data folder; null if nobody has it. */
function ownerOf (folder: string): string | null {
  try {
    refuseOwned(folder)
    return null
  } catch (error) {
    const { code, message } = error as OffpeakError
    return code === 'OFFPEAK_ENGINE_BUSY' ? /by (.*?)[.:]?$/.exec(message)?.[1] ?? 'another process' : null
  }
}

/** The server of a data folder: its process, its owner, its port. `server`: null if the configuration is refused. */
export async function serverFacts (
  { url, answer, health }: Answer,
  { folder, server }: { folder: string, server: Pick<Config['server'], 'host' | 'port'> | null }
): Promise<ServerFacts> {
  const listening = await readFile(listeningFile(folder), 'utf8').then(text => JSON.parse(text) as Listening)
    .catch(() => null)
  const pid = typeof listening?.pid === 'number' ? listening.pid : null
  return {
    url,
    answer,
    health,
    named: false,
    pid,
    alive: pid !== null && isAlive(pid),
    owner: answer === 'yes' ? null : ownerOf(folder),
    used: existsSync(join(folder, 'offpeak.db')),
    port: answer === 'yes' || server === null ? null : await portFacts(server),
    configured: server?.port ?? null
  }
}

interface TokenAsk {
  folder: string
  root: string
  server: Pick<Config['server'], 'host' | 'token_file' | 'trust_proxy'>
  env: NodeJS.ProcessEnv
  accepted: boolean | null
  now: number
}

const isLongEnough = (token: string) => /^[\x21-\x7e]{16,}$/.test(token)

function expiredTokens (folder: string, now: number): string[] {
  try {
    return readTokens({ folder, loose: true }).filter(({ expires_at: at }) => at !== null && Date.parse(at) <= now)
      .map(({ name }) => name)
  } catch {
    return []
  }
}

/** The token that commands of this user send. */
export async function tokenFacts ({ folder, root, server, env, accepted, now }: TokenAsk): Promise<TokenFacts> {
  const file = tokenFile({ folder, root, server, env })
  const rest = { file, accepted, used: existsSync(join(folder, 'offpeak.db')), expired: expiredTokens(folder, now) }
  if (file === null) return { ...rest, state: isLongEnough(env.OFFPEAK_TOKEN!) ? 'fine' : 'short' }
  try {
    return { ...rest, state: isLongEnough((await readFile(file, 'utf8')).trim()) ? 'fine' : 'short' }
  } catch (error) {
    return { ...rest, state: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'unreadable' }
  }
}
