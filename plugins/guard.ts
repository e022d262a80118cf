import type { FastifyRequest } from 'fastify'
import type { Bearer } from '../core/index.ts'
import type { Needed } from './_http/scope.ts'
import { covers, privateWithheld, scopeMissing } from '../core/index.ts'
import { CHALLENGE, bearers } from './_http/bearers.ts'
import { checkHost, checkOrigin, isLocal, isWrite } from './_http/origin.ts'
import { withhold } from './_http/withhold.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request: `api`, the name sent with the owner's token, or the name of the token. */
    by: string
    /** True when the answer may contain private members. */
    trusted: boolean
  }
}

const NAME = /^[\x20-\x7e]{1,64}$/
/** Sent with a response from which private members were removed. */
const WHERE = 'Send the token in the file token of the data folder to see the members that withheld lists'
const MORE = `${CHALLENGE}, error_description="${WHERE}"`

/** The name in X-Offpeak-By, preceded by the name of the token if it has one; `api` without either. */
function nameOf ({ headers }: FastifyRequest, { name }: Bearer): string {
  const given = headers['x-offpeak-by']
  const own = typeof given === 'string' && NAME.test(given) ? given : null
  return name === '' ? own ?? 'api' : `token:${name}${own === null ? '' : ` ${own}`}`
}

/** The scope that a request needs: `control` for a route that declares none, `read` where there is no route. */
const scopeOf = ({ is404, routeOptions: { config } }: FastifyRequest): Needed =>
  config.scope ?? (is404 ? 'read' : 'control')

/** Checks every request: its host is a name of the server. Writes, private reads and requests from other machines need
 *  a token. */
async function guard (app: PluginApp) {
  const { manager } = app
  const bearerOf = bearers(app)
  app.decorateRequest('by', 'api')
  app.decorateRequest('trusted', false)

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
