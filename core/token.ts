import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { configInvalid, startRefused } from './model/errors/config-errors.ts'
import type { Config } from './model/config/config.ts'

type Env = Readonly<Record<string, string | undefined>>

const BYTES = 32
const LEAST_SIGNS = 16
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]|::ffff:127(?:\.\d{1,3}){3})$/i

/** True for an address or name that only this machine can reach. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host)

interface TokenAsk {
  /** The data folder, in which `token` is created when none is configured. */
  folder: string
  /** The base of relative token files. */
  root: string
  server: Pick<Config['server'], 'host' | 'token_file' | 'trust_proxy'>
  /** The source of OFFPEAK_TOKEN and OFFPEAK_TOKEN_FILE. */
  env?: Env | undefined
}

/** `file`: its file, or null when it is set in the environment. */
export interface Token {
  value: string
  file: string | null
}

/** The file of the token, or null when the token is set in the environment. */
export function tokenFile ({ folder, root, server, env = {} }: TokenAsk): string | null {
  if (env.OFFPEAK_TOKEN) return null
  const given = env.OFFPEAK_TOKEN_FILE || server.token_file
  return given ? resolve(root, given) : join(folder, 'token')
}

const isGiven = ({ server, env = {} }: TokenAsk) =>
  Boolean(env.OFFPEAK_TOKEN || env.OFFPEAK_TOKEN_FILE || server.token_file)

/** Throws OFFPEAK_START_REFUSED when others could reach the server and no token is configured. */
export function refuseExposed (ask: TokenAsk): void {
  const { host, trust_proxy: proxied } = ask.server
  if (isGiven(ask) || (isLoopback(host) && !isProxied(proxied))) return
  const how = isLoopback(host) ? 'server.trust_proxy is on' : `server.host is ${host}`
  throw startRefused({
    pointer: isLoopback(host) ? '/server/trust_proxy' : '/server/host',
    message: `${how}, so others can reach this server, and no token was given`,
    fix: 'Name a file with a secret, readable by you alone, in server.token_file, or set OFFPEAK_TOKEN_FILE ' +
      'or OFFPEAK_TOKEN.'
  })
}

/** True when addresses and names may come from a proxy. */
export const isProxied = (trust: boolean | string[]): boolean => Array.isArray(trust) ? trust.length > 0 : trust

/** The token in force. When none is configured, one is created on first use: 32 random bytes in a file of mode 0600.
 *  Throws OFFPEAK_CONFIG_INVALID when it cannot be read or is too short. */
export async function ensureToken (ask: TokenAsk): Promise<Token> {
  const { folder, env = {} } = ask
  const file = tokenFile(ask)
  if (file === null) return { value: longEnough(env.OFFPEAK_TOKEN!, 'OFFPEAK_TOKEN'), file }
  if (!isGiven(ask)) await makeOnce(folder, file)
  try {
    return { value: longEnough((await readFile(file, 'utf8')).trim(), file), file }
  } catch (cause) {
    if (cause instanceof Error && 'statusCode' in cause) throw cause
    throw configInvalid({
      file,
      pointer: '/server/token_file',
      message: `The token file ${file} cannot be read`,
      fix: 'Name a file that offpeak may read.',
      cause
    })
  }
}

function longEnough (value: string, where: string): string {
  if (value.length >= LEAST_SIGNS && /^[\x21-\x7e]+$/.test(value)) return value
  throw configInvalid({
    file: where,
    pointer: '/server/token_file',
    message: `The token in ${where} is not valid`,
    fix: `Use at least ${LEAST_SIGNS} letters and digits without spaces.`
  })
}

async function makeOnce (folder: string, file: string): Promise<void> {
  // A command line, which asks this module for the place of the token, makes none.
  const { makeFolder, syncName } = await import('./load/file/atomic-write.ts')
  await makeFolder(folder)
  // Exclusive: two processes that start together use the same token, and a planted link is not followed.
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return null
    throw error
  })
  if (handle === null) return
  try {
    await handle.writeFile(`${randomBytes(BYTES).toString('base64url')}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncName(file)
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Compares two tokens in constant time. */
export const sameToken = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token))
