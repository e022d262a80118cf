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
      description: 'The name of the file; characters that a name cannot contain are replaced'
    })
  )
})
const Stored = exactly({
  path: Type.String({ description: 'The path on the server, for the payload of a task' }),
  name: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String()
}, { title: 'StoredFile' })

/** The decoded body of an upload. A refused one is read on for a while, so that the sender receives the reason. */
function decoded (request: FastifyRequest, reply: FastifyReply): ReturnType<typeof bodyOf> {
  try {
    return bodyOf((request.body ?? request.raw) as Readable, request.headers)
  } catch (error) {
    linger(request, reply)
    throw error
  }
}

/** The upload route. Its body is a stream, not collected in memory. */
const upload: Plugin = async app => {
  const { manager, host: { unhurried } } = app
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.post('/api/files', {
    config: RUN,
    schema: {
      tags: ['files'],
      consumes: ['application/octet-stream'],
      querystring: Ask,
      response: answers({ 201: Stored })
    }
  }, async (request, reply) => {
    const { query, headers, by, raw } = request
    const length = headers['content-length']
    const { socket } = raw
    unhurried.add(socket)
    const { body: from, plain } = decoded(request, reply)
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

/** Uploads of files for tasks. */
const files: Plugin = async app => {
  await encapsulated(app, upload)
}

export default named('offpeak-files', files, ['offpeak-guard', 'offpeak-inputs'])
