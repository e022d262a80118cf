import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bearer } from '../../core/index.ts'
import { NamedTokens, sameToken, tokenRefused, tooManyTries, unauthorized } from '../../core/index.ts'
import { Lockout } from './lockout.ts'
import { isLocal } from './origin.ts'
import type { PluginApp } from './plugin.ts'

const SECOND = 1000
const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i
const OWNER: Bearer = { name: '', scope: 'control' }
/** Sent with a response that a token would change. */
export const CHALLENGE = 'Bearer realm="offpeak"'

/** Returns a function that finds the bearer of a request's token. A valid token never waits for wrong tokens from the
 *  same address. */
export function bearers ({ manager, host: { token } }: PluginApp) {
  const lockout = new Lockout()
  const tokens = new NamedTokens(() => ({
    folder: manager.folder,
    loose: manager.config.security.accept_loose_files !== null
  }))
  const find = (given: string): Bearer | null =>
    sameToken(given, token) ? OWNER : tokens.find(given, manager.clock.now())

  /** Throws OFFPEAK_UNAUTHORIZED without a valid token, and OFFPEAK_TOO_MANY_TRIES after too many wrong ones. */
  return (request: FastifyRequest, reply: FastifyReply): Bearer => {
    const { authorization } = request.headers
    const given = BEARER.exec(authorization ?? '')?.[1]
    const bearer = given === undefined ? null : find(given)
    if (bearer !== null) return bearer
    const now = manager.clock.monotonic()
    const { host, trust_proxy: proxied } = manager.config.server
    // Programs of this machine share an address: one with an old token must not keep others from seeing why theirs is
    // refused.
    const counts = authorization !== undefined && !(proxied === false && isLocal(request, host))
    const wait = counts ? lockout.wait(request.ip, now) : 0
    if (wait > 0) throw tooManyTries(Math.ceil(wait / SECOND))
    if (counts) lockout.wrong(request.ip, now)
    reply.header('www-authenticate', CHALLENGE)
    throw authorization === undefined ? unauthorized() : tokenRefused()
  }
}
