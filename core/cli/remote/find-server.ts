import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../../model/config/config.ts'
import type { NoTokenReason } from './withheld.ts'
import type { RemoteOptions } from './options.ts'
import { GIVE_TOKEN } from './withheld.ts'
import type { FolderAsk } from '../../load/config/quick-folder.ts'
import { managerOptions } from './options.ts'
import { tokenFile } from '../../token.ts'

type Env = NodeJS.ProcessEnv

/** Where a server is reached and with which token; `lack`: why there is no token. */
export interface FoundServer {
  url: string
  token: string | null
  lack: NoTokenReason
  /** True when this user may not read the files of the server, so that it may run unseen. */
  barred?: boolean
  /** The configuration and the data folder of a server that listens; absent: none is known to. */
  place?: { config: string, data: string }
}

/** What a server that listens writes into its data folder. `token_file`: absolute; null when the environment of the
 *  server gave the token. */
export interface Listening {
  url: string
  pid: number
  token_file: string | null
}

/** Where a server writes how it is reached. */
export const listeningFile = (folder: string): string => join(folder, 'server.json')

/** A host as part of a URL: an address that means all interfaces becomes the loopback address. */
export function reachable (address: string): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
  return host.includes(':') ? `[${host}]` : host
}

/** The user of this process: users of a container often have no name. */
export function userName (): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? '?'}`
  }
}

/** The token in a file, or why it cannot be read. */
async function tokenIn (file: string): Promise<Pick<FoundServer, 'token' | 'lack' | 'barred'>> {
  try {
    return { token: (await readFile(file, 'utf8')).trim(), lack: null }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return {
      token: null,
      barred: code !== 'ENOENT',
      lack: code === 'ENOENT'
        ? `there is no file ${file}: ${GIVE_TOKEN}`
        : `${userName()} may not read ${file} (${code}): ask as the user that offpeak runs as, or ${GIVE_TOKEN}`
    }
  }
}

/** True for a process that exists. */
export function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // A process of another user exists too.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The server that listens for a data folder; null when there is none, even if a killed one left its file. */
export async function listeningAt (folder: string): Promise<Listening | null> {
  try {
    const written = JSON.parse(await readFile(listeningFile(folder), 'utf8')) as Listening
    return isAlive(written.pid) ? written : null
  } catch {
    return null
  }
}

/** A running server uses its last good configuration, and is found while the file is broken. */
async function settingsOf (ask: FolderAsk, root: string): Promise<Pick<Config, 'server' | 'engine'>> {
  const { loadConfig } = await import('../../load/config/config.ts')
  try {
    return (await loadConfig(ask)).config
  } catch (error) {
    const { defaultsOf } = await import('../../model/config/config.ts')
    const { server, engine } = defaultsOf()
    const folder = ask.env.OFFPEAK_DATA ?? engine.folder
    if (await listeningAt(resolve(root, folder)) === null) throw error
    return { server, engine: { ...engine, folder } }
  }
}

async function findQuickly (ask: FolderAsk, root: string, env: Env): Promise<FoundServer | null> {
  const { quickFolder } = await import('../../load/config/quick-folder.ts')
  const folder = await quickFolder(ask)
  const listening = folder === null ? null : await listeningAt(resolve(root, folder))
  if (typeof listening?.token_file !== 'string') return null
  const server = { host: '', token_file: listening.token_file, trust_proxy: false }
  const file = tokenFile({ folder: resolve(root, folder!), root, server, env })
  return {
    url: listening.url,
    ...file === null ? { token: env.OFFPEAK_TOKEN!, lack: null } : await tokenIn(file),
    place: { config: ask.file, data: resolve(root, folder!) }
  }
}

/** The folder of a configuration. */
export const folderOf = (given: RemoteOptions, env: Env): string => dirname(managerOptions(given, env).configFile!)

/** Finds the server of a configuration: the running one of its data folder, else the address that is configured. */
export async function findServer (given: RemoteOptions, env: Env): Promise<FoundServer> {
  const { configFile, environment, env: laid } = managerOptions(given, env)
  const root = dirname(configFile!)
  const ask = { file: configFile!, environment, env: (laid ?? env) as Env }
  const quick = await findQuickly(ask, root, env)
  if (quick !== null) return quick
  const { server, engine } = await settingsOf(ask, root)
  const folder = resolve(root, engine.folder)
  const file = tokenFile({ folder, root, server, env })
  const listening = await listeningAt(folder)
  return {
    url: listening?.url ?? `http://${reachable(server.host)}:${server.port}`,
    ...file === null ? { token: env.OFFPEAK_TOKEN!, lack: null } : await tokenIn(file),
    ...listening !== null && { place: { config: configFile!, data: folder } }
  }
}
