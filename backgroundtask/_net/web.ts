import { lookup } from 'node:dns/promises'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { Type } from 'typebox'
import type { Allowed } from './address.ts'
import { refusal } from './address.ts'

const REDIRECTS = 3
const MOVED = new Set([301, 302, 303, 307, 308])

/** The common settings of tasks that request a URL. */
export const WebFields = {
  allow: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 100,
      description: 'Names, addresses or networks, with or without :port, that are allowed although they are not public',
      configured: 'some'
    })
  ),
  allow_private: Type.Optional(
    Type.Boolean({
      description: 'Allow private networks; loopback and link-local addresses must be listed in allow',
      configured: true,
      configured_or: false
    })
  )
}

export const WEB_DEFAULTS = { allow: [] as string[], allow_private: false }

/** A request that is refused; the message says why. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
}

/** Resolves a name to its addresses. */
export type Resolve = (host: string) => Promise<string[]>

const system: Resolve = async host => (await lookup(host, { all: true })).map(({ address }) => address)

interface Ask {
  url: string
  method?: 'GET' | 'HEAD' | 'POST'
  headers?: OutgoingHttpHeaders
  allowed: Allowed
  /** Aborts the request, including its body. */
  signal: AbortSignal
  /** The longest time without data from the server. */
  idleMs?: number
  resolve?: Resolve
}

/** An answer. Its body must be read or destroyed. */
export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: IncomingMessage
  url: string
  redirects: number
}

/** The URL object that is both checked and requested. Throws RequestRefused for other protocols than http and https,
 *  and for URLs with a user or password. */
export function urlOf (text: string | URL, base?: URL): URL {
  const url = URL.parse(String(text), base)
  if (url === null) throw new RequestRefused(`'${String(text)}' is not a URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RequestRefused(`'${url.protocol}' is not supported: use http or https`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new RequestRefused('A URL with a user or password is refused')
  }
  return url
}

/** Resolves like the promise, or rejects with the reason of the signal if that is aborted first. */
async function before<T> (signal: AbortSignal, promise: Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([promise, stopped])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

interface Pinned {
  address: string
  family: number
}

/** The addresses for the request. The name is not resolved again. Throws RequestRefused. */
async function pin (url: URL, { allowed, signal, resolve = system }: Ask): Promise<[Pinned, ...Pinned[]]> {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  const addresses = isIP(host) === 0 ? await before(signal, resolve(host)) : [host]
  // One refused address is enough, because any of them could be used.
  const bad = addresses.map(address => refusal({ host, port, address, allowed })).find(reason => reason !== null)
  if (bad !== undefined) throw new RequestRefused(`${bad}; to allow it, list it in 'allow'`)
  const [first, ...rest] = addresses.map(address => ({ address, family: isIP(address) }))
  if (first === undefined) throw new Error(`${host} has no address`)
  return [first, ...rest]
}

async function once (url: URL, ask: Ask): Promise<IncomingMessage> {
  const pinned = await pin(url, ask)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { Agent, request } = url.protocol === 'https:' ? https : http
  // An agent of its own: no kept connections, and no proxy from the environment.
  const agent = new Agent({ keepAlive: false })
  const sent = request(url, {
    agent,
    method: ask.method ?? 'GET',
    headers: { 'user-agent': 'offpeak', accept: '*/*', 'accept-encoding': 'identity', ...ask.headers },
    signal: ask.signal,
    timeout: ask.idleMs ?? 0,
    lookup: (_host, options, done) => options.all ? done(null, pinned) : done(null, pinned[0].address, pinned[0].family)
  })
  sent.on('response', resolve)
  sent.on('error', reject)
  sent.on('timeout', () => sent.destroy(new Error(`${url.host} sent no data for ${ask.idleMs} ms`)))
  sent.end()
  return promise
}

/** Requests a URL, and follows up to three redirects, each of which is checked. The connection uses an address that was
 *  checked. Throws RequestRefused, and errors of the network. */
export async function fetchSafely (ask: Ask): Promise<Answer> {
  let url = urlOf(ask.url)
  let current = ask
  for (let redirects = 0;; redirects++) {
    const body = await once(url, current)
    const status = body.statusCode ?? 0
    const { location } = body.headers
    if (!MOVED.has(status) || location === undefined) {
      return { status, headers: body.headers, body, url: url.href, redirects }
    }
    body.destroy()
    if (redirects >= REDIRECTS) throw new RequestRefused(`There are more than ${REDIRECTS} redirects`)
    const next = urlOf(location, url)
    // Headers for one host are not sent to another.
    if (next.origin !== url.origin) current = { ...current, headers: {} }
    url = next
  }
}

/** Reads up to `limit` bytes of a body. `cut`: there was more. */
export async function readBody (
  body: IncomingMessage,
  limit: number
): Promise<{ bytes: number, cut: boolean, text: string }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > limit) break
  }
  body.destroy()
  return { bytes, cut: bytes > limit, text: Buffer.concat(chunks).subarray(0, limit).toString() }
}
