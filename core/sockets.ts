import { readFileSync } from 'node:fs'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** A thousand readers of events, and room for whoever else asks. */
export const MOST_CONNECTIONS = 2048
/** Descriptors that are for other things: the database, logs, files of tasks, children. */
const FOR_OTHERS = 256
const LEAST = 64

/** How many files the process may have open, as far as that can be told. */
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

/** Keeps room for whoever comes: when there are as many connections as may be, the one goes that has asked for nothing for longest. One whose request is
 *  being answered stays; when all of them are such, the one that has come goes. */
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
  // Before the request is looked at, whatever comes of it.
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    idle.delete(socket)
    response.once('close', () => { if (!socket.destroyed) idle.add(socket) })
  })
}
