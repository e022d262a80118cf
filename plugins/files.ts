import Type from 'typebox'
import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RUN } from './_http/scope.ts'
import { answers, exactly } from './_schema/base.ts'
import { bodyOf } from './_http/coding.ts'
import { linger } from './_http/linger.ts'
import { encapsulated, named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const Ask = exactly({
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      default: 'file',
      description: 'What the file is called; what does not belong into a name is replaced'
    })
  )
})
const Stored = exactly({
  path: Type.String({ description: 'Where it lies on the machine of the server, for the payload of a task' }),
  name: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String()
})

/** The file in a request; one that is refused is read to its end for a while, so that its sender receives the
 *  reason. */
function coded (request: FastifyRequest, reply: FastifyReply): ReturnType<typeof bodyOf> {
  try {
    return bodyOf((request.body ?? request.raw) as Readable, request.headers)
  } catch (error) {
    linger(request, reply)
    throw error
  }
}

/** The body as it comes: nothing is gathered in memory. */
const upload: Plugin = async app => {
  const { manager, host: { unhurried } } = app
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.post('/api/files', {
    config: RUN,
    schema: {
      tags: ['files'],
      summary: 'store a file for a task: its bytes are the body; `uploads` in config.json bounds it',
      querystring: Ask,
      response: answers({ 201: Stored })
    }
  }, async (request, reply) => {
    const { query, headers, by, raw } = request
    const length = headers['content-length']
    const { socket } = raw
    unhurried.add(socket)
    const { body: from, plain } = coded(request, reply)
    const stored = await manager.uploads.store({
      name: query.name!,
      bytes: length === undefined || !plain ? null : Number(length),
      from: from.iterator({ destroyOnReturn: false })
    }, { by }).catch((error: unknown) => {
      linger(request, reply)
      throw error
    }).finally(() => unhurried.delete(socket))
    return await reply.code(201).send(stored)
  })
}

/** Files that are sent for tasks. */
const files: Plugin = async app => {
  await encapsulated(app, upload)
}

export default named('offpeak-files', files, ['offpeak-guard', 'offpeak-inputs'])
