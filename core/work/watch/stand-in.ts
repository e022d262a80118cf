import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { iso } from '../../model/base/clock.ts'
import { loopBlocked } from '../../model/errors/request-errors.ts'
import { problemOf } from '../../model/view/problem.ts'
import { blockWords } from '../../model/view/loop-block.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LoopBlock } from '../../model/view/loop-block.ts'

/** What the stand-in of a server answers, and to which clients. `digest`: SHA-256 of the token, hex; `local`: true when
 *  clients on this machine need no token; `names`: the host names by which the server is reached. */
export interface StandInState {
  block: LoopBlock
  digest: string
  local: boolean
  names: readonly string[]
  version: string
  startedAt: number
}

/** The descriptor of the listening socket, inherited from the server. */
const SOCKET = 3
const LEAVING_MS = 200
const MOST_CONNECTIONS = 256
const RETRY_S = 5
const RELAYED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

let state: StandInState | null = null

const isLoopback = (address: string | undefined) => /^(?:127\.|::1$|::ffff:127\.)/.test(address ?? '')

/** True when a client may see the names of runs: it sent the token, or it is on this machine and needs none. */
function isKnown ({ headers, socket }: IncomingMessage, { digest, local, names }: StandInState): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(headers.authorization ?? '')?.[1]
  if (given !== undefined) {
    return timingSafeEqual(createHash('sha256').update(given).digest(), Buffer.from(digest, 'hex'))
  }
  const host = (headers.host ?? '').replace(/:\d{1,5}$/, '').toLowerCase()
  return local && isLoopback(socket.remoteAddress) && names.includes(host) &&
    RELAYED.every(name => headers[name] === undefined)
}

function bodyFor (path: string, request: IncomingMessage, now: StandInState): [type: string, body: object] {
  const known = isKnown(request, now) ? 'named' : 'unnamed'
  const words = blockWords(now.block, known)
  if (path === '/livez' || path === '/readyz') return ['application/json', { status: 'blocked' }]
  if (path === '/api/health') {
    const runs = known === 'named' ? now.block.runs : []
    const { block: { ms, exact, where }, version, startedAt } = now
    return ['application/json', {
      status: 'failed',
      reasons: [words],
      version,
      state: 'started',
      started_at: iso(startedAt),
      uptime: Math.max(0, Date.now() - startedAt) / 1000,
      loop: {
        ok: false,
        standing: { seconds: Math.round(ms / 1000), runs, exact, where: known === 'named' ? where : null },
        stood: []
      }
    }]
  }
  return ['application/problem+json', problemOf(loopBlocked(words), path)]
}

function respond (request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').split('?')[0]!.slice(0, 200)
  const [type, body] = state === null ? ['application/json', { status: 'blocked' }] : bodyFor(path, request, state)
  const text = JSON.stringify(body)
  response.writeHead(503, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'retry-after': String(RETRY_S),
    'connection': 'close'
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

const server = createServer({ headersTimeout: 3000, requestTimeout: 5000, keepAliveTimeout: 1 }, respond)
server.maxConnections = MOST_CONNECTIONS
server.on('error', () => process.exit(1))

const lines = createInterface({ input: process.stdin })
lines.on('line', line => {
  const isFirst = state === null
  state = JSON.parse(line) as StandInState
  if (isFirst) server.listen({ fd: SOCKET })
})
// The server answers again, or its process has ended.
lines.on('close', () => {
  server.close()
  setTimeout(() => process.exit(0), LEAVING_MS)
})
