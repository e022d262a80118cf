import type { LocalOptions } from '../remote/options.ts'
import type { NamedToken, Scope, TokensAsk } from '../../tokens.ts'
import { createToken, readTokens, revokeToken } from '../../tokens.ts'
import { loadConfig } from '../../load/config/config.ts'
import { dirname, resolve } from 'node:path'
import { durationTooLong } from '../../model/errors/input-errors.ts'
import { homeOptions } from './home.ts'
import { milliseconds } from '../../model/base/duration.ts'
import { plain, print, printJson, printNote } from '../terminal/output.ts'
import { table } from '../terminal/table.ts'

export type TokenOptions = LocalOptions & { json?: boolean }
export type TokenCreateOptions = TokenOptions & { scope: Scope, expires?: string }

const LONGEST = 3660 * 86_400_000

/** The data folder, where tokens are stored, with or without a running server. */
async function placeOf (given: LocalOptions): Promise<TokensAsk> {
  const { configFile, environment, env } = homeOptions(given)
  const { config } = await loadConfig({ file: configFile!, environment, env: env ?? process.env })
  return {
    folder: resolve(dirname(configFile!), config.engine.folder),
    loose: config.security.accept_loose_files !== null
  }
}

const shown = ({ name, scope, created_at, expires_at }: NamedToken) => ({ name, scope, created_at, expires_at })

/** Creates a token and prints it, once. */
export async function create (name: string, { scope, expires, json, ...given }: TokenCreateOptions): Promise<void> {
  const place = await placeOf(given)
  const now = Date.now()
  const ms = expires === undefined ? null : milliseconds(expires)
  if (ms !== null && ms > LONGEST) throw durationTooLong(expires)
  const expiresAt = ms === null ? null : now + ms
  const token = await createToken({ ...place, name, scope, now, expiresAt })
  const made = readTokens(place).find(one => one.name === name)!
  if (json) return printJson({ ...shown(made), token })
  print(token)
  printNote(
    plain(
      `${name} has the scope ${scope} until ${
        made.expires_at ?? 'it is revoked'
      }. It is not shown again: only its hash is stored.`
    )
  )
}

export async function list ({ json, ...given }: TokenOptions): Promise<void> {
  const tokens = readTokens(await placeOf(given)).map(shown)
  if (json) return printJson(tokens)
  print(
    tokens.length === 0
      ? "There are no tokens except the owner's."
      : table(['NAME', 'SCOPE', 'CREATED', 'UNTIL'],
        tokens.map(one => [one.name, one.scope, one.created_at, one.expires_at ?? '-']))
  )
}

export async function revoke (name: string, { json, ...given }: TokenOptions): Promise<void> {
  await revokeToken(await placeOf(given), name)
  if (json) return printJson({ name })
  print(plain(`${name} is revoked`))
}
