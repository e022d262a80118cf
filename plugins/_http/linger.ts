import type { FastifyReply, FastifyRequest } from 'fastify'

const LINGER_MS = 2000

/** Reads and discards the rest of a request for a while: a client whose connection is closed at once often does not
 *  receive the response. */
export function linger ({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'keep-alive')
  const timer = setTimeout(() => raw.destroy(), LINGER_MS).unref()
  raw.resume().once('close', () => clearTimeout(timer))
}
