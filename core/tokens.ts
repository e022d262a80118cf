import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { tokenExists, tokenInvalid, tokenNotFound, tokensUnreadable } from './model/base/access-errors.ts'
import { writeWhole } from './load/file/write.ts'

/** What a token lets do, each one what the ones before it let do too: see everything; add runs, signals and files; everything. */
export const SCOPES = ['read', 'run', 'control'] as const
export type Scope = typeof SCOPES[number]

/** A token as it is kept. `expires_at` null: never. */
export interface NamedToken { name: string, scope: Scope, sha256: string, created_at: string, expires_at: string | null }

/** Who a request comes from. */
export interface Bearer { name: string, scope: Scope }

const BYTES = 32
const MODE = 0o600
const MOST = 1000
/** The name of a token, as it stands in the record of what was done. */
export const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/

/** Where tokens with names are kept, as hashes. */
export const tokensFile = (folder: string): string => join(folder, 'tokens.json')

/** True when a scope lets do what another one does. */
export const covers = (scope: Scope, needed: Scope): boolean => SCOPES.indexOf(scope) >= SCOPES.indexOf(needed)

const digest = (text: string) => createHash('sha256').update(text).digest()

const isNamed = (value: unknown): value is NamedToken => {
  const { name, scope, sha256, expires_at: expires = null } = (value ?? {}) as Partial<NamedToken>
  return typeof name === 'string' && SCOPES.includes(scope!) && /^[0-9a-f]{64}$/.test(String(sha256)) && (expires === null || !Number.isNaN(Date.parse(expires)))
}

/** The tokens of a data folder; throws OFFPEAK_TOKENS_UNREADABLE. */
export function readTokens (folder: string): NamedToken[] {
  const file = tokensFile(folder)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw tokensUnreadable(file, error)
  }
  try {
    const kept: unknown = JSON.parse(text)
    if (Array.isArray(kept) && kept.every(isNamed)) return kept
  } catch (error) {
    throw tokensUnreadable(file, error)
  }
  throw tokensUnreadable(file)
}

export interface TokenMade { folder: string, name: string, scope: Scope, now: number, expiresAt: number | null }

const instant = (at: number) => new Date(at).toISOString()

/** Makes a token; only its hash is kept, so that the answer is the one time that it is seen. */
export async function createToken ({ folder, name, scope, now, expiresAt }: TokenMade): Promise<string> {
  if (!TOKEN_NAME.test(name)) throw tokenInvalid(`'${name.slice(0, 40)}' is not the name of a token: expected up to 32 letters, digits, '.', '_' and '-'`)
  const kept = readTokens(folder)
  if (kept.some(token => token.name === name)) throw tokenExists(name)
  if (kept.length >= MOST) throw tokenInvalid(`There are already ${MOST} tokens`, 'Revoke those that nobody uses.')
  const value = `op_${randomBytes(BYTES).toString('base64url')}`
  const made: NamedToken = { name, scope, sha256: digest(value).toString('hex'), created_at: instant(now), expires_at: expiresAt === null ? null : instant(expiresAt) }
  await keep(folder, [...kept, made])
  return value
}

/** Revokes a token from now on; throws OFFPEAK_TOKEN_NOT_FOUND. */
export async function revokeToken (folder: string, name: string): Promise<void> {
  const kept = readTokens(folder)
  const rest = kept.filter(token => token.name !== name)
  if (rest.length === kept.length) throw tokenNotFound(name)
  await keep(folder, rest)
}

const keep = (folder: string, tokens: readonly NamedToken[]) => writeWhole({ file: tokensFile(folder), text: `${JSON.stringify(tokens, null, 2)}\n`, mode: MODE })

/** The named tokens of a data folder, as they are now: what was made or revoked meanwhile counts with the next request. */
export class NamedTokens {
  readonly #folder: string
  #stamp = ''
  #tokens: readonly (NamedToken & { hash: Buffer })[] = []

  constructor (folder: string) {
    this.#folder = folder
  }

  /** Whose a token is, or null. Every one is compared, in a time that tells nothing. A file that cannot be read has none. */
  find (given: string, now: number): Bearer | null {
    this.#look()
    const hash = digest(given)
    let found: NamedToken | null = null
    for (const token of this.#tokens) if (timingSafeEqual(hash, token.hash)) found = token
    if (found === null || (found.expires_at !== null && Date.parse(found.expires_at) <= now)) return null
    return { name: found.name, scope: found.scope }
  }

  #look (): void {
    try {
      const { mtimeMs, ino, size, ctimeMs } = statSync(tokensFile(this.#folder))
      const stamp = `${mtimeMs} ${ctimeMs} ${ino} ${size}`
      if (stamp === this.#stamp) return
      this.#tokens = readTokens(this.#folder).map(token => ({ ...token, hash: Buffer.from(token.sha256, 'hex') }))
      this.#stamp = stamp
    } catch {
      this.#tokens = []
      this.#stamp = ''
    }
  }
}
