import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Bearer } from '../core/index.ts'
import type { Needed } from './_http/scope.ts'
import { NamedTokens, covers, privateWithheld, sameToken, scopeMissing, tokenRefused, tooManyTries,
  unauthorized } from '../core/index.ts'
import { Lockout } from './_http/lockout.ts'
import { checkHost, checkOrigin, isLocal, isWrite } from './_http/origin.ts'
import { withhold } from './_http/withhold.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who changes something: `api`, the name that came with the owner's token, or that of the token. */
    by: string
    /** Whether it sees what is private. */
    trusted: boolean
  }
}

const SECOND = 1000
const BEARER = /^Bearer ([\x21-\x7e]{1,512})$/i
const NAME = /^[\x20-\x7e]{1,64}$/
const OWNER: Bearer = { name: '', scope: 'control' }
const CHALLENGE = 'Bearer realm="offpeak"'
/** Beside an answer of which something was left out. */
const MORE =
  `${CHALLENGE}, error_description="Members named in withheld are shown with the token, which is in the file token of the data folder"`

/** The name that the request gives itself; that of a named token comes first, whatever it says. */
function nameOf ({ headers }: FastifyRequest, { name }: Bearer): string {
  const given = headers['x-offpeak-by']
  const own = typeof given === 'string' && NAME.test(given) ? given : null
  return name === '' ? own ?? 'api' : `token:${name}${own === null ? '' : ` ${own}`}`
}

/** What a request needs. A route that does not say it needs everything; where there is no route, any token may hear
 *  so. */
const scopeOf = ({ is404, routeOptions: { config } }: FastifyRequest): Needed =>
  config.scope ?? (is404 ? 'read' : 'control')

/** Who may ask what: the server's own names alone, a token for every write, for what is private, and for everything
 *  that others could reach. */
async function guard (app: PluginApp) {
  const lockout = new Lockout()
  const { manager, host: { token } } = app
  const tokens = new NamedTokens(() => ({
    folder: manager.folder,
    loose: manager.config.security.accept_loose_files !== null
  }))
  app.decorateRequest('by', 'api')
  app.decorateRequest('trusted', false)

  /** Throws for a token that is none. The right one is never made to wait, whatever else has come from its address. */
  function bearerOf (request: FastifyRequest, reply: FastifyReply): Bearer {
    const { authorization } = request.headers
    const given = BEARER.exec(authorization ?? '')?.[1]
    const bearer = given === undefined
      ? null
      : sameToken(given, token)
      ? OWNER
      : tokens.find(given, manager.clock.now())
    if (bearer !== null) return bearer
    const now = manager.clock.monotonic()
    const wait = authorization === undefined ? 0 : lockout.wait(request.ip, now)
    if (wait > 0) throw tooManyTries(Math.ceil(wait / SECOND))
    if (authorization !== undefined) lockout.wrong(request.ip, now)
    reply.header('www-authenticate', CHALLENGE)
    throw authorization === undefined ? unauthorized() : tokenRefused()
  }

  app.addHook('onRequest', async (request, reply) => {
    const needed = scopeOf(request)
    if (needed === 'open') return
    const { host, allowed_hosts: names, trust_proxy: proxied, private_reads: reads } = manager.config.server
    checkHost(request, [host, ...names])
    if (isWrite(request)) checkOrigin(request)
    const free = !isWrite(request) && needed === 'read' && proxied === false && isLocal(request, host)
    if (free && request.headers.authorization === undefined) {
      request.trusted = reads === 'open'
      if (request.trusted || request.routeOptions.config.private !== 'all') return
      reply.header('www-authenticate', CHALLENGE)
      throw privateWithheld()
    }
    const bearer = bearerOf(request, reply)
    if (!covers(bearer.scope, needed)) throw scopeMissing({ needed, ...bearer })
    request.trusted = true
    request.by = nameOf(request, bearer)
  })

  app.addHook('preSerialization', async (request, reply, answer) => {
    const { private: members } = request.routeOptions.config
    if (request.trusted || members === undefined || members === 'all' || reply.statusCode >= 400) return answer
    reply.header('www-authenticate', MORE)
    return withhold(answer, members)
  })
}

export default named('offpeak-guard', guard, ['offpeak-headers', 'offpeak-problems'])
