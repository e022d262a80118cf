import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import type { Ask } from './contest.ts'
import type { Row } from './row.ts'
import { BARE, BUSY, serve } from './served.ts'
import { contest } from './contest.ts'
import { quantile } from './row.ts'
import { withFolder } from './place.ts'

const GROUP = 'http'
const PATH = '/api/tasks'
const CONNECTIONS = 10
const END = Buffer.from('\r\n\r\n')

/** One connection that asks again as soon as it has the answer, until the time is over; adds how long each answer took,
 *  ms. */
async function client (url: URL, times: number[], until: number): Promise<void> {
  const socket = connect(Number(url.port), url.hostname)
  await once(socket, 'connect')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let begun = 0
  let missing = 0
  const ask = () => {
    begun = performance.now()
    socket.write(`GET ${PATH} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`)
  }
  socket.on('data', (chunk: Buffer) => {
    if (missing === 0) missing = wholeLength(chunk)
    missing -= chunk.length
    if (missing > 0) return
    times.push(performance.now() - begun)
    if (performance.now() < until) ask()
    else resolve()
  })
  socket.once('error', reject)
  ask()
  await promise
  socket.destroy()
}

/** Bytes of head and body, as the head says; it comes whole in the first chunk. */
function wholeLength (chunk: Buffer): number {
  const end = chunk.indexOf(END) + END.length
  const head = chunk.subarray(0, end).toString('latin1')
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(head.split('\r\n')[0])
  return end + Number(/content-length: (\d+)/i.exec(head)![1])
}

async function load (url: string, { connections, ms }: { connections: number, ms: number }) {
  const times: number[] = []
  const begun = performance.now()
  await Promise.all(Array.from({ length: connections }, () => client(new URL(url), times, begun + ms)))
  return { rate: times.length / (performance.now() - begun) * 1000, times }
}

const BARE_ROUTE = 'bare Fastify route: the same bytes'
const LISTING = `GET ${PATH} of 100 tasks`

/** Answers a second of a server in a process of its own, and the body of one. */
async function served (args: readonly string[], { small }: Ask): Promise<{ rate: number, body: string }> {
  const ms = small ? 200 : 5000
  const { url, stop } = await serve(args)
  try {
    const body = await (await fetch(`${url}${PATH}`)).text()
    await load(url, { connections: CONNECTIONS, ms: ms / 5 })
    const { rate } = await load(url, { connections: CONNECTIONS, ms })
    return { rate, body }
  } finally {
    await stop()
  }
}

const quiet = (ask: Ask): Promise<Row[]> =>
  withFolder(async folder => {
    const { rate, body } = await served([BUSY, folder, '0'], ask)
    const file = join(folder, 'body.json')
    writeFileSync(file, body)
    const bare = await served([BARE, 'route', file], ask)
    return [
      { group: GROUP, name: BARE_ROUTE, unit: '/s', value: bare.rate, note: `${body.length} bytes` },
      {
        group: GROUP,
        name: `offpeak: ${LISTING}`,
        unit: '/s',
        value: rate,
        ratio_to: BARE_ROUTE,
        target: { of: 'ratio', least: 0.5 }
      }
    ]
  })

const PACE = 20_000

const draining = ({ small }: Ask): Promise<Row[]> =>
  withFolder(async folder => {
    const { url, stop } = await serve([BUSY, folder, String(small ? 1000 : PACE)])
    await load(url, { connections: 1, ms: small ? 50 : 1000 })
    const { times } = await load(url, { connections: 1, ms: small ? 200 : 5000 })
    const did = Number(/did (\d+) a second/.exec(await stop())![1])
    return [
      {
        group: GROUP,
        name: `offpeak: ${LISTING} while runs drain, p99`,
        unit: 'ms',
        value: quantile(times, 0.99),
        target: { of: 'value', most: 10 },
        note: `${did} runs a second were done meanwhile`
      },
      {
        group: GROUP,
        name: 'offpeak: runs done while the list is asked for',
        unit: '/s',
        value: did,
        target: { of: 'value', least: 0.95 * PACE }
      }
    ]
  })

/** The list of tasks over HTTP, alone and while runs drain. */
export const contenders = [{ name: 'quiet', run: quiet }, { name: 'draining', run: draining }]
export const run = contest(contenders)
