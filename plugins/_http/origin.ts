import type { FastifyRequest } from 'fastify'
import { forbidden, hostRefused, isLoopback, requestInvalid } from '../../core/index.ts'

const READS = ['GET', 'HEAD', 'OPTIONS']
const NAME = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i
const OWN_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** True for a request that may change something. */
export const isWrite = ({ method }: FastifyRequest): boolean => !READS.includes(method)

const bracketed = (host: string) => host.includes(':') && !host.startsWith('[') ? `[${host}]` : host

/** Refuses a request whose Host header is not a name of this server: it may come from a page of another site whose name
 *  resolves to this machine (DNS rebinding). */
export function checkHost (request: FastifyRequest, names: readonly string[]): void {
  const { rawHeaders, url = '' } = request.raw
  const given = rawHeaders.filter((_, index) => index % 2 === 0 && rawHeaders[index]!.toLowerCase() === 'host').length
  if (given > 1) throw requestInvalid({ message: 'The request has more than one Host header' })
  if (!url.startsWith('/')) throw requestInvalid({ message: 'The request target is not a path' })
  const host = request.host ?? ''
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase()
  const known = [...OWN_NAMES, ...names.map(own => bracketed(own).toLowerCase())]
  if (!NAME.test(host) || !known.includes(name)) throw hostRefused(host)
}

/** Refuses a write that a page of another site sent. */
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

/** Headers that proxies, tunnels and load balancers add to requests. Browsers and the command line do not send them. */
const PROXY_HEADERS = new RegExp(`^(?:${
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

/** True for a request of a proxy. HTTP/1.0 counts as one: it is the default of nginx. A proxy that speaks HTTP/1.1 and
 *  adds no headers cannot be distinguished from a program of this machine. */
const isProxied = ({ headers, raw }: FastifyRequest): boolean =>
  (raw.httpVersionMajor === 1 && raw.httpVersionMinor === 0) ||
  Object.keys(headers).some(name => PROXY_HEADERS.test(name))

/** True for a request that comes from this machine, without a proxy. */
export function isLocal (request: FastifyRequest, bound: string): boolean {
  const { socket, server } = request
  const address = server.server.address()
  const listening = typeof address === 'object' && address !== null ? address.address : bound
  return !isProxied(request) && isLoopback(bound) && isLoopback(listening) && isLoopback(socket.remoteAddress ?? '')
}
