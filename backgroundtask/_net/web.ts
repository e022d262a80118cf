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

/** The settings every task with a URL has beside its own. */
export const WebFields = {
  allow: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 100,
      description:
        'Names, addresses or networks, with or without :port, that may be asked although they are not public',
      configured: 'some'
    })
  ),
  allow_private: Type.Optional(
    Type.Boolean({
      description: 'Private networks may be asked; loopback and link-local only when allow lists them',
      configured: true,
      configured_or: false
    })
  )
}

export const WEB_DEFAULTS = { allow: [] as string[], allow_private: false }

/** A request that is not made; the message is a sentence for the task's owner. */
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
  /** Bounds the whole request, the body included, when the signal says so. */
  signal: AbortSignal
  /** The longest silence of the other side. */
  idleMs?: number
  resolve?: Resolve
}

/** An answer whose body is still to be read, or destroyed. */
export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: IncomingMessage
  url: string
  redirects: number
}

/** The one URL object that is both checked and requested. Throws RequestRefused for anything but http and https. */
export function urlOf (text: string | URL, base?: URL): URL {
  const url = URL.parse(String(text), base)
  if (url === null) throw new RequestRefused(`'${String(text)}' is not a URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RequestRefused(`'${url.protocol}' is not asked: only http and https are`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new RequestRefused('A URL with a user or password in it is not asked')
  }
  return url
}

/** The promise, or the reason of the signal when that comes first. */
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

/** The addresses that the request may go to, whatever the name answers later. Throws RequestRefused. */
async function pin (url: URL, { allowed, signal, resolve = system }: Ask): Promise<[Pinned, ...Pinned[]]> {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  const addresses = isIP(host) === 0 ? await before(signal, resolve(host)) : [host]
  // One bad address among several is enough: which one is used must not be left to chance.
  const bad = addresses.map(address => refusal({ host, port, address, allowed })).find(reason => reason !== null)
  if (bad !== undefined) throw new RequestRefused(`${bad}; if it is meant, list it in 'allow'`)
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
  sent.on('timeout', () => sent.destroy(new Error(`${url.host} said nothing for ${ask.idleMs} ms`)))
  sent.end()
  return promise
}

/** Requests a URL, following at most three redirects, each checked like the first. Names are resolved once and the
 *  connection goes to an address that was checked. Throws RequestRefused, or what the network threw. */
export async function fetchSafely (ask: Ask): Promise<Answer> {
  let url = urlOf(ask.url)
  let asked = ask
  for (let redirects = 0;; redirects++) {
    const body = await once(url, asked)
    const status = body.statusCode ?? 0
    const { location } = body.headers
    if (!MOVED.has(status) || location === undefined) {
      return { status, headers: body.headers, body, url: url.href, redirects }
    }
    body.destroy()
    if (redirects >= REDIRECTS) throw new RequestRefused(`There are more than ${REDIRECTS} redirects`)
    const next = urlOf(location, url)
    // What was meant for one host is not shown to another.
    if (next.origin !== url.origin) asked = { ...asked, headers: {} }
    url = next
  }
}

/** Reads a body, at most `limit` bytes of it; `cut` says that there was more. */
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
