import type { FastifyReply, FastifyRequest } from 'fastify'
import { linger } from './_http/linger.ts'
import { OffpeakError, methodNotAllowed, problemOf, routeNotFound } from '../core/index.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const pathOf = ({ url }: FastifyRequest) => url.split('?', 1)[0]!

const matcher = (url: string) =>
  new RegExp(`^${url.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/:\w+/g, '[^/]+')}$`)

/** Answers every error with a problem, RFC 9457. */
async function problems (app: PluginApp) {
  const routes = new Map<string, { path: RegExp, methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { path: matcher(url), methods: new Set() }
    routes.set(url, route)
    for (const name of [method].flat()) route.methods.add(name)
  })

  app.setErrorHandler((error: unknown, request, reply) => {
    const problem = problemOf(error, pathOf(request))
    if (problem.code === 'OFFPEAK_BODY_TOO_LARGE') linger(request, reply)
    if (error instanceof OffpeakError && error.retryAfter !== undefined) reply.header('retry-after', error.retryAfter)
    if (problem.status < 500) return reply.code(problem.status).type('application/problem+json').send(problem)
    request.log.error({ err: error }, 'request failed')
    return reply.code(problem.status).type('application/problem+json').send({ ...problem, request_id: request.id })
  })

  function notFound (request: FastifyRequest, reply: FastifyReply): never {
    const path = pathOf(request)
    const allowed = [...routes.values()].filter(route => route.path.test(path)).flatMap(({ methods }) => [...methods])
    if (allowed.length === 0) throw routeNotFound(path)
    reply.header('allow', allowed.join(', '))
    throw methodNotAllowed({ method: request.method, allowed })
  }
  // Mounted in another app without a prefix, that app answers unknown paths.
  if (app.host.alone || app.prefix !== '') app.setNotFoundHandler(notFound)
}

export default named('offpeak-problems', problems)
