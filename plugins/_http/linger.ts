import type { FastifyReply, FastifyRequest } from 'fastify'

const LINGER_MS = 2000

/** Throws away for a moment what is still on its way: with the line cut at once, the other side would often not hear
 *  why. */
export function linger ({ raw }: FastifyRequest, reply: FastifyReply): void {
  reply.header('connection', 'keep-alive')
  const timer = setTimeout(() => raw.destroy(), LINGER_MS).unref()
  raw.resume().once('close', () => clearTimeout(timer))
}
