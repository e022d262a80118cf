import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { FoundServer } from './find-server.ts'
import type { RemoteOptions } from './options.ts'
import { findServer } from './find-server.ts'
import { knownServers } from './known-servers.ts'
import { nearest } from '../../model/base/nearest.ts'
import { serverUrl } from '../exchange/server-url.ts'
import { usageInvalid } from '../../model/errors/input-errors.ts'

type Env = NodeJS.ProcessEnv

/** A server that is not that of the current folder. `how`: how it was found, in words. */
interface ServerElsewhere extends FoundServer {
  how: string
}

const OWN_SETTINGS = ['OFFPEAK_CONFIG', 'OFFPEAK_DATA', 'OFFPEAK_DATA_FILE', 'OFFPEAK_ENGINE__FOLDER',
  'OFFPEAK_ENGINE__FOLDER_FILE', 'OFFPEAK_SERVER__PORT', 'OFFPEAK_SERVER__HOST']

/** True when the command names a place, or the current folder has a configuration or the data of a server. */
function hasOwn ({ config, data, env: layer }: RemoteOptions, env: Env): boolean {
  return [config, data, layer, ...OWN_SETTINGS.map(name => env[name])].some(Boolean) ||
    ['config.json', 'data/server.json'].some(file => existsSync(file))
}

/** The configuration of the nearest folder above the current one that has tasks or the data of a server. */
export function configAbove (): string | null {
  for (let folder = process.cwd(); dirname(folder) !== folder;) {
    folder = dirname(folder)
    const has = (name: string) => existsSync(join(folder, name))
    if (has('data/server.json') || (has('config.json') && has('backgroundtask'))) return join(folder, 'config.json')
  }
  return null
}

/** The server of a context; throws OFFPEAK_USAGE_INVALID when there is none of that name. */
async function ofContext (name: string, env: Env): Promise<ServerElsewhere> {
  const { contexts } = await knownServers(env)
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined
  if (context === undefined) {
    const near = nearest(name, Object.keys(contexts))
    throw usageInvalid(`There is no context '${name}'`,
      `${near === null ? '' : `Did you mean '${near}'? `}List them with \`offpeak context\`.`)
  }
  const { url, token, token_file: file } = context
  const how = `context ${name}`
  serverUrl(`The URL of the context ${name}`, url)
  if (file === undefined) return { url, token: token ?? null, lack: `the context ${name} has none`, how }
  return await readFile(file, 'utf8').then(
    text => ({ url, token: text.trim(), lack: null, how }),
    (error: NodeJS.ErrnoException) => ({ url, token: null, lack: `${file} cannot be read (${error.code})`, how })
  )
}

async function lastUsed (env: Env): Promise<ServerElsewhere | null> {
  const { last } = await knownServers(env)
  if (last === null) return null
  const { config, data } = last
  const found = await findServer({ data, ...existsSync(config) && { config } }, env).catch(() => null)
  // A folder that is gone has no server.
  return found && { ...found, how: `last used, of ${dirname(last.config)}` }
}

/** The server of a named context or, outside the folder of a server, that of a folder above, the current context, or
 *  the one that was used last; null: the command asks the server of its own folder. */
export async function serverElsewhere (given: RemoteOptions, env: Env): Promise<ServerElsewhere | null> {
  const named = given.context ?? (given.url === undefined ? env.OFFPEAK_CONTEXT : undefined)
  if (named !== undefined && named !== '') return await ofContext(named, env)
  if (given.url !== undefined || env.OFFPEAK_URL !== undefined || hasOwn(given, env)) return null
  const above = configAbove()
  if (above !== null) {
    const found = await findServer(existsSync(above) ? { config: above } : { data: join(dirname(above), 'data') }, env)
    return { ...found, how: `of ${dirname(above)}` }
  }
  const { current } = await knownServers(env)
  return current === null ? await lastUsed(env) : await ofContext(current, env)
}
