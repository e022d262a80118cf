import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A thousand readers of events, and as many other requests. */
const MOST_CONNECTIONS = 2048
/** Descriptors that are for other things: the database, logs, files of tasks, children. */
const FOR_OTHERS = 256
const LEAST = 64
/** Requests that one connection may have under way. Node parses all that has come at once, so that thousands sent in a
 *  row would keep the loop from everybody else; clients in use send the next one when the last is answered. */
const MOST_UNANSWERED = 16

/** How many files the process may have open, where the system says so. */
function descriptors (): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? Infinity : Number(soft)
  } catch {
    return Infinity
  }
}

/** How many connections there is room for, in so many descriptors. */
export const roomIn = (files: number): number => Math.max(LEAST, Math.min(MOST_CONNECTIONS, files - FOR_OTHERS))

type Parsing = Socket & { parser?: { onIncoming?: unknown } | null }

/** llhttp stops at what it takes for the beginning of another protocol. */
const STOP_PARSING = 2

/** Ends a connection, and the reading of what has come of it by now: Node would go through all of that first. */
function cut (socket: Parsing): void {
  if (socket.parser) socket.parser.onIncoming = () => STOP_PARSING
  socket.destroy()
}

/** Keeps room for whoever comes: when there are as many connections as may be, the one goes that has asked for nothing
 *  for longest. One whose request is being answered stays; when all of them are such, the one that has come goes. One
 *  that sends request after request without waiting for answers is cut. Called when the listeners for requests are
 *  there. */
export function keepRoom (server: Server, most = roomIn(descriptors())): void {
  /** Those that ask for nothing, the one that has done so longest first. */
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
  // Before the request is looked at, whatever comes of it.
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
