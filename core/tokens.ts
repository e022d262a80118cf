import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { lstatSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { changedBy, isRefused, othersWords, replacedBy } from './load/file/modes.ts'
import { jsonFault } from './model/base/syntax.ts'
import { ownAccount, quoted } from './load/file/exposures.ts'
import { OffpeakError } from './model/errors/errors.ts'
import { tokenExists, tokenInvalid, tokenNotFound, tokensUnreadable } from './model/errors/access-errors.ts'
import { writeAtomic } from './load/file/atomic-write.ts'
import type { Account, Others } from './load/file/modes.ts'

/** The scopes of tokens, each including the ones before it: read everything; add runs, signals and files;
 *  everything. */
export const SCOPES = ['read', 'run', 'control'] as const
export type Scope = typeof SCOPES[number]

/** A stored token. `expires_at`: null for never. */
export interface NamedToken {
  name: string
  scope: Scope
  sha256: string
  created_at: string
  expires_at: string | null
}

/** The sender of a request. */
export interface Bearer {
  name: string
  scope: Scope
}

const BYTES = 32
const MODE = 0o600
const MOST = 1000
/** The name of a token in the audit log. */
const TOKEN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/

/** The file of the hashes of named tokens. */
export const tokensFile = (folder: string): string => join(folder, 'tokens.json')

/** True when a scope includes another one. */
export const covers = (scope: Scope, needed: Scope): boolean => SCOPES.indexOf(scope) >= SCOPES.indexOf(needed)

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The fault of an entry of the file, or null. */
function faultOf (value: unknown): string | null {
  const { name, scope, sha256, expires_at: expires = null } = (value ?? {}) as Partial<NamedToken>
  if (typeof name !== 'string' || !TOKEN_NAME.test(name)) {
    return "name: expected up to 32 letters, digits, '.', '_' and '-'"
  }
  if (!SCOPES.includes(scope!)) return `scope: expected one of ${SCOPES.join(', ')}`
  if (!/^[0-9a-f]{64}$/.test(String(sha256))) return 'sha256: expected 64 digits of a hash'
  const isInstant = typeof expires === 'string' && !Number.isNaN(Date.parse(expires))
  return expires === null || isInstant ? null : 'expires_at: expected an instant such as 2027-01-31T00:00:00Z, or null'
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code

/** Who else may change or replace the file of tokens, and so create tokens. A link is judged by its owner. */
function looseness (file: string, account: Account | null): { by: Others, at: string } | null {
  const [folder, link] = [dirname(file), lstatSync(file)]
  const seen: [at: string, found: Others | null][] = [
    [folder, replacedBy(statSync(folder), account)],
    [file, changedBy({ ...link, mode: link.isSymbolicLink() ? 0 : link.mode }, account)],
    [file, changedBy(statSync(file), account)]
  ]
  const [at, by] = seen.find(([, found]) => found !== null && isRefused(found)) ?? []
  return by ? { by, at: at! } : null
}

function refuseLoose (file: string, account: Account | null): void {
  const found = looseness(file, account)
  if (found === null) return
  const { by, at } = found
  const mend = by.by === 'user' ? `chown ${account!.uid} ${quoted(at)}` : `chmod go-w ${quoted(at)}`
  throw tokensUnreadable({
    file,
    why: `${at} can be changed by ${othersWords(by)}`,
    fix: `Look at whose tokens are in it, and run: ${mend}`
  })
}

/** `loose`: files that others may change are accepted; see security.accept_loose_files. */
export interface TokensAsk {
  folder: string
  loose?: boolean
  account?: Account | null
}

/** The tokens of a data folder. Throws OFFPEAK_TOKENS_UNREADABLE, also when others can change the file. */
export function readTokens ({ folder, loose = false, account = ownAccount() }: TokensAsk): NamedToken[] {
  const file = tokensFile(folder)
  let text: string
  try {
    if (!loose) refuseLoose(file, account)
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    if (codeOf(cause) === 'OFFPEAK_TOKENS_UNREADABLE') throw cause
    const fix = ['EACCES', 'EPERM'].includes(codeOf(cause) ?? '') ? 'Ask as the user that offpeak runs as.' : undefined
    throw tokensUnreadable({
      file,
      why: `it cannot be read (${codeOf(cause) ?? 'unknown'})`,
      cause,
      ...fix !== undefined && { fix }
    })
  }
  const broken = jsonFault(text)
  if (broken !== null) {
    throw tokensUnreadable({ file, why: `line ${broken.line}, column ${broken.column}: ${broken.message}` })
  }
  const kept: unknown = JSON.parse(text)
  if (!Array.isArray(kept)) throw tokensUnreadable({ file, why: 'it holds no list' })
  const [why] = kept.flatMap((one, index) => {
    const fault = faultOf(one)
    return fault === null ? [] : [`/${index}/${fault}`]
  })
  if (why !== undefined) throw tokensUnreadable({ file, why })
  return kept as NamedToken[]
}

interface TokenMade extends TokensAsk {
  name: string
  scope: Scope
  now: number
  expiresAt: number | null
}

const instant = (at: number) => new Date(at).toISOString()

/** Creates a token. Only its hash is stored, so that the token cannot be shown again. */
export async function createToken ({ name, scope, now, expiresAt, ...ask }: TokenMade): Promise<string> {
  if (!TOKEN_NAME.test(name)) {
    throw tokenInvalid(
      `'${name.slice(0, 40)}' is not the name of a token: expected up to 32 letters, digits, '.', '_' and '-'`
    )
  }
  const kept = readTokens(ask)
  if (kept.some(token => token.name === name)) throw tokenExists(name)
  if (kept.length >= MOST) throw tokenInvalid(`There are already ${MOST} tokens`, 'Revoke unused tokens.')
  const value = `op_${randomBytes(BYTES).toString('base64url')}`
  const made: NamedToken = {
    name,
    scope,
    sha256: digest(value).toString('hex'),
    created_at: instant(now),
    expires_at: expiresAt === null ? null : instant(expiresAt)
  }
  await keep(ask.folder, [...kept, made])
  return value
}

/** Revokes a token; throws OFFPEAK_TOKEN_NOT_FOUND. */
export async function revokeToken (ask: TokensAsk, name: string): Promise<void> {
  const kept = readTokens(ask)
  const rest = kept.filter(token => token.name !== name)
  if (rest.length === kept.length) throw tokenNotFound(name)
  await keep(ask.folder, rest)
}

const keep = (folder: string, tokens: readonly NamedToken[]) =>
  writeAtomic({ file: tokensFile(folder), text: `${JSON.stringify(tokens, null, 2)}\n`, mode: MODE })

/** Why named tokens are not accepted, or null. */
export function tokensFault (ask: TokensAsk): OffpeakError | null {
  try {
    readTokens(ask)
    return null
  } catch (error) {
    if (error instanceof OffpeakError) return error
    throw error
  }
}

/** The current named tokens of a data folder. A created or revoked token takes effect with the next request. */
export class NamedTokens {
  readonly #ask: () => TokensAsk
  #stamp = ''
  #tokens: readonly (NamedToken & { hash: Buffer })[] = []

  constructor (ask: () => TokensAsk) {
    this.#ask = ask
  }

  /** The holder of a token, or null. All tokens are compared in constant time. A file that cannot be read, or that
   *  others can change, has no tokens. */
  find (given: string, now: number): Bearer | null {
    this.#look()
    const hash = digest(given)
    let found: NamedToken | null = null
    for (const token of this.#tokens) if (timingSafeEqual(hash, token.hash)) found = token
    if (found === null || (found.expires_at !== null && Date.parse(found.expires_at) <= now)) return null
    return { name: found.name, scope: found.scope }
  }

  #look (): void {
    const ask = this.#ask()
    const file = tokensFile(ask.folder)
    try {
      // A change of the mode of the folder does not change the file.
      if (!ask.loose) refuseLoose(file, ownAccount())
      const { mtimeMs, ino, size, ctimeMs } = statSync(file)
      const stamp = `${mtimeMs} ${ctimeMs} ${ino} ${size}`
      if (stamp === this.#stamp) return
      this.#tokens = readTokens(ask).map(token => ({
        ...token,
        expires_at: token.expires_at ?? null,
        hash: Buffer.from(token.sha256, 'hex')
      }))
      this.#stamp = stamp
    } catch {
      this.#tokens = []
      this.#stamp = ''
    }
  }
}
