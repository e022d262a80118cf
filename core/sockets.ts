import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Room for a thousand readers of events and as many other requests. */
const MOST_CONNECTIONS = 2048
/** Descriptors reserved for other uses: the database, logs, files of tasks, child processes. */
const FOR_OTHERS = 256
const LEAST = 64
/** At most this many pending requests per connection. Node parses all received requests at once, so that thousands of
 *  pipelined ones would block the event loop. Common clients do not pipeline. */
const MOST_UNANSWERED = 16

/** The limit of open files of the process, where it is known. */
function descriptors (): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}

/** The number of connections that fit into a number of descriptors. */
export const roomIn = (files: number): number => Math.max(LEAST, Math.min(MOST_CONNECTIONS, files - FOR_OTHERS))

type Parsing = Socket & { parser?: { onIncoming?: unknown } | null }

/** llhttp stops at the beginning of another protocol. */
const STOP_PARSING = 2

/** Destroys a connection and stops parsing what was already received. */
function cut (socket: Parsing): void {
  if (socket.parser) socket.parser.onIncoming = () => STOP_PARSING
  socket.destroy()
}

/** Limits the connections of a server. A connection beyond the limit replaces the one that has been idle for longest,
 *  or is closed when all others have pending requests. A connection with too many pipelined requests is destroyed. Call
 *  it after the request listeners were added. */
export function keepRoom (server: Server, most = roomIn(descriptors())): void {
  /** The idle connections, the longest idle first. */
  const idle = new Set<Socket>()
  let count = 0
  server.on('connection', socket => {
    count++
    socket.once('close', () => {
      count--
      idle.delete(socket)
    })
    if (count > most) {
      const [oldest = socket] = idle
      idle.delete(oldest)
      oldest.destroy()
    }
    if (!socket.destroyed) idle.add(socket)
  })
  const unanswered = new WeakMap<Socket, number>()
  const answers = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[]
  server.removeAllListeners('request')
  // Runs before the other listeners.
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const asked = (unanswered.get(socket) ?? 0) + 1
    unanswered.set(socket, asked)
    if (socket.destroyed || asked > MOST_UNANSWERED) return void cut(socket)
    idle.delete(socket)
    response.once('close', () => {
      const left = unanswered.get(socket)! - 1
      unanswered.set(socket, left)
      if (left === 0 && !socket.destroyed) idle.add(socket)
    })
    for (const answer of answers) answer.call(server, request, response)
  })
}
