import type { FastifyReply, FastifyRequest } from 'fastify'
import { isWrite } from './_http/origin.ts'
import { MatchHeader, namesTag, tagOf } from './_http/etag.ts'
import { noTag } from '../core/index.ts'
import { named } from './_http/plugin.ts'
import type { PluginApp } from './_http/plugin.ts'

const JSON_TYPE = 'application/json'

/** A successful answer in JSON that an ETag stands for. */
function isTagged (request: FastifyRequest, reply: FastifyReply): boolean {
  const { scope, whole = false } = request.routeOptions.config
  const shows = whole || (scope === 'read' && !isWrite(request))
  return shows && reply.statusCode === 200 && String(reply.getHeader('content-type')).startsWith(JSON_TYPE)
}

const takesMatch = ({ routeOptions }: FastifyRequest): boolean => {
  const { properties = {} } = (routeOptions.schema?.headers ?? {}) as Partial<typeof MatchHeader>
  return 'if-match' in properties
}

/** Gives every read an ETag, and answers 304 to one that names it in If-None-Match. A change whose address has no ETag
 *  is refused with If-Match: the caller would think that it is protected. */
async function etags (app: PluginApp) {
  app.addHook('preValidation', async request => {
    if (isWrite(request) && request.headers['if-match'] !== undefined && !takesMatch(request)) throw noTag()
  })

  app.addHook('onSend', (request, reply, payload, done) => {
    const hasBytes = typeof payload === 'string' || Buffer.isBuffer(payload)
    if (!hasBytes || !isTagged(request, reply)) return done(null, payload)
    const tag = tagOf(payload)
    reply.header('etag', tag)
    if (isWrite(request) || !namesTag(request.headers['if-none-match'], tag)) return done(null, payload)
    reply.code(304).removeHeader('content-type')
    done(null, null)
  })
}

export default named('offpeak-etags', etags, ['offpeak-guard'])
