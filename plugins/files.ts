import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import Type from 'typebox'
import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RUN } from './_http/scope.ts'
import type { Face } from './_schema/base.ts'
import { storeUpload } from '../core/index.ts'
import { answers, exactly } from './_schema/base.ts'
import { bodyOf } from './_http/coding.ts'
import { linger } from './_http/linger.ts'

const ID_BYTES = 8

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

/** The file in a request; one that is refused is read to its end for a while, so that its sender hears why. */
function coded (request: FastifyRequest, reply: FastifyReply): ReturnType<typeof bodyOf> {
  try {
    return bodyOf((request.body ?? request.raw) as Readable, request.headers)
  } catch (error) {
    linger(request, reply)
    throw error
  }
}

/** The body as it comes: nothing is gathered in memory. */
const upload: FastifyPluginAsyncTypebox = async app => {
  const { manager, face: { unhurried } } = app
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
    const stored = await storeUpload({
      folder: manager.folder,
      id: randomBytes(ID_BYTES).toString('hex'),
      name: query.name!,
      bytes: length === undefined || !plain ? null : Number(length),
      from: from.iterator({ destroyOnReturn: false }),
      now: manager.upkeep.sureBy(),
      limits: manager.config.uploads
    }).catch((error: unknown) => {
      linger(request, reply)
      throw error
    }).finally(() => unhurried.delete(socket))
    await manager.engine.record({
      at: manager.clock.now(),
      by,
      action: 'upload',
      subject: stored.name,
      detail: { bytes: stored.bytes, sha256: stored.sha256 }
    })
    return await reply.code(201).send(stored)
  })
}

/** Files that are sent for tasks. */
const files: Face = async app => {
  await app.register(upload)
}

export default fp(files, { fastify: '5.x', name: 'offpeak-files', dependencies: ['offpeak-guard', 'offpeak-inputs'] })
