import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { reachOf } from './address.ts'

const CONNECT_MS = 15_000
const IDLE_MS = 30_000

const Line = Type.String({ minLength: 1, maxLength: 1000, pattern: '^[^\\r\\n]*$' })

/** The mail server. Keep the password in a file or in the environment rather than in config.json. */
export const SmtpInput = Type.Object({
  url: Type.Optional(Line),
  url_file: Type.Optional(Line),
  host: Type.Optional(Line),
  port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
  secure: Type.Optional(Type.Boolean({ description: 'TLS from the first byte, as on port 465' })),
  require_tls: Type.Optional(
    Type.Boolean({
      description: 'Require TLS; the default with a password and a server on another machine'
    })
  ),
  user: Type.Optional(Line),
  password_file: Type.Optional(Line),
  from: Type.Optional({ ...Line, description: 'The sender of mails without one' })
}, { additionalProperties: false })

export type SmtpSettings = Static<typeof SmtpInput>

/** The connection to a mail server. Never show `user` and `pass`. */
export interface Smtp {
  host: string
  port: number
  secure: boolean
  require_tls: boolean
  user: string | null
  pass: string | null
}

/** The mail server is missing or invalid; the message says how. */
export class SmtpUnset extends Error {
  override readonly name = 'SmtpUnset'
}

/** The first line of a file with a secret. The error contains the path, but not the content. */
async function secretIn (path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).split('\n')[0]!.trim()
  } catch (error) {
    throw new SmtpUnset(`The file '${path}' cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

async function urlFrom ({ url, url_file: file, host }: SmtpSettings, env: NodeJS.ProcessEnv): Promise<string | null> {
  if (url !== undefined) return url
  if (file !== undefined) return secretIn(file)
  if (host !== undefined) return null
  if (env.SMTP_URL) return env.SMTP_URL
  return env.SMTP_URL_FILE ? secretIn(env.SMTP_URL_FILE) : null
}

const isHere = (host: string) => host === 'localhost' || (isIP(host) !== 0 && reachOf(host) === 'loopback')

function fromUrl (text: string): Partial<Smtp> {
  const url = URL.parse(text)
  // The URL may contain the password, so the message does not show it.
  if (url === null || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '') {
    throw new SmtpUnset('The URL of the mail server is not of the form smtp://user:password@host:port or smtps://…')
  }
  const secure = url.protocol === 'smtps:'
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    secure,
    port: Number(url.port || (secure ? 465 : 587)),
    user: decodeURIComponent(url.username) || null,
    pass: decodeURIComponent(url.password) || null
  }
}

/** The mail server from the settings of a run, else from SMTP_URL or SMTP_URL_FILE. Throws SmtpUnset. */
export async function smtpOf (settings: SmtpSettings, env: NodeJS.ProcessEnv): Promise<Smtp> {
  const url = await urlFrom(settings, env)
  const known: Partial<Smtp> = url === null ? {} : fromUrl(url)
  const host = known.host ?? settings.host
  if (host === undefined) throw new SmtpUnset('No mail server is configured')
  const secure = known.secure ?? settings.secure ?? settings.port === 465
  const pass = known.pass ?? (settings.password_file === undefined ? null : await secretIn(settings.password_file))
  return {
    host,
    secure,
    port: known.port ?? settings.port ?? (secure ? 465 : 587),
    require_tls: settings.require_tls ?? (pass !== null && !isHere(host)),
    user: known.user ?? settings.user ?? null,
    pass
  }
}

/** The options of the transport. Files and URLs in messages are not opened; every wait has a limit. */
export function transportOf ({ host, port, secure, require_tls: requireTLS, user, pass }: Smtp) {
  return {
    host,
    port,
    secure,
    requireTLS,
    ...(user !== null && pass !== null ? { auth: { user, pass } } : {}),
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    dnsTimeout: CONNECT_MS,
    socketTimeout: IDLE_MS,
    disableFileAccess: true,
    disableUrlAccess: true
  }
}

const base64 = (secret: string) => Buffer.from(secret).toString('base64')

/** Replaces the secrets of the connection in a text, in every form in which they are sent. */
export function withoutSecrets (text: string, { user, pass }: Smtp): string {
  const secrets = pass === null
    ? []
    : [pass, base64(pass), encodeURIComponent(pass), base64(`\0${user ?? ''}\0${pass}`)]
  return secrets.filter(secret => secret.length > 0).reduce((clean, secret) => clean.replaceAll(secret, '***'), text)
}
