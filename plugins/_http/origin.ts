import type { FastifyRequest } from 'fastify'
import { forbidden, hostRefused, isLoopback, requestInvalid } from '../../core/index.ts'

const READS = ['GET', 'HEAD', 'OPTIONS']
const NAME = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
const OWN_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** True for a request that may change something. */
export const isWrite = ({ method }: FastifyRequest): boolean => !READS.includes(method)

const bracketed = (host: string) => host.includes(':') && !host.startsWith('[') ? `[${host}]` : host

/** Refuses a request that came by a name this server does not have: a page of another site whose name was pointed
 *  here. */
export function checkHost (request: FastifyRequest, names: readonly string[]): void {
  const { rawHeaders, url = '' } = request.raw
  const given = rawHeaders.filter((_, index) => index % 2 === 0 && rawHeaders[index]!.toLowerCase() === 'host').length
  if (given > 1) throw requestInvalid({ message: 'A request has one Host header' })
  if (!url.startsWith('/')) throw requestInvalid({ message: 'A request names a path, not a whole address' })
  const host = request.host ?? ''
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase()
  const known = [...OWN_NAMES, ...names.map(own => bracketed(own).toLowerCase())]
  if (!NAME.test(host) || !known.includes(name)) throw hostRefused(host)
}

/** Refuses a write that a page of another site has sent. */
export function checkOrigin (request: FastifyRequest): void {
  const { origin, 'sec-fetch-site': site } = request.headers
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw forbidden('A page of another site may not change anything here')
  }
  if (origin === undefined) return
  if (!URL.canParse(origin) || new URL(origin).host !== request.host.toLowerCase()) {
    throw forbidden('A page of another origin may not change anything here')
  }
}

/** What proxies, tunnels and load balancers add to a request that they pass on. Browsers and the command line send none
 *  of it. */
const OF_RELAYS = new RegExp(`^(?:${
  [
    'via',
    'forwarded',
    'x-forwarded(?:-.+)?',
    'x-real-(?:ip|port)',
    'x-client-ip',
    'x-cluster-client-ip',
    'x-original-.+',
    'x-remote-.+',
    'remote-.+',
    'true-client-ip',
    'client-ip',
    'cdn-loop',
    'cf-.+',
    'fastly-.+',
    'fly-.+',
    'akamai-.+',
    'tailscale-.+',
    'x-envoy-.+',
    'x-azure-.+',
    'x-amzn?-.+',
    'x-appengine-.+',
    'x-cloud-trace-context',
    'x-vercel-.+',
    'x-nf-.+',
    'x-ngrok-.+',
    'x-proxy-.+',
    'x-proxied-.+',
    'x-webauth-.+',
    'x-authentik-.+',
    'x-auth-request-.+',
    'x-traefik-.+',
    'x-varnish',
    'x-haproxy-.+',
    'x-coming-from',
    'x-arr-.+',
    'x-sendfile-type',
    'x-accel-.+',
    'wl-proxy-client-ip',
    'proxy-.+'
  ].join('|')
})$`)

/** True for a request that something has passed on. Those that speak HTTP/1.0 are relays: nginx does when it is told
 *  nothing else. A relay that adds nothing and speaks HTTP/1.1 cannot be told from a program of this machine. */
const isRelayed = ({ headers, raw }: FastifyRequest): boolean =>
  raw.httpVersionMajor === 1 && raw.httpVersionMinor === 0
    ? true
    : Object.keys(headers).some(name => OF_RELAYS.test(name))

/** True when neither a proxy nor another machine can be at the other end. */
export function isLocal (request: FastifyRequest, bound: string): boolean {
  const { socket, server } = request
  const address = server.server.address()
  const listening = typeof address === 'object' && address !== null ? address.address : bound
  return !isRelayed(request) && isLoopback(bound) && isLoopback(listening) && isLoopback(socket.remoteAddress ?? '')
}
