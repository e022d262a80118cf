import type { FastifyReply } from 'fastify'
import { READ } from './_http/scope.ts'
import { Broadcast, tooManyReaders } from '../core/index.ts'
import { Query, Seen, Stream } from './_schema/events.ts'
import { answers } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const MOST_READERS = 1500

/** The response as a sink of frames. */
function sinkOf (reply: FastifyReply) {
  const { raw } = reply.hijack()
  // Not kept alive: the connection ends with the stream.
  raw.writeHead(200, {
    ...reply.getHeaders() as Record<string, string>,
    'content-type': 'text/event-stream; charset=utf-8',
    connection: 'close',
    'x-accel-buffering': 'no'
  })
  return {
    write: (frame: Buffer) => void raw.write(frame),
    get buffered () {
      return raw.writableLength
    },
    end: () => void raw.end(),
    drop: () => void raw.destroy()
  }
}

/** The event stream. */
const events: Plugin = async app => {
  const { manager } = app
  const broadcast = new Broadcast({ clock: manager.clock, durable: manager.durable })
  const leave = [manager.onNotice(broadcast.receive, 'events'), manager.onBeat(() => broadcast.beat(), 'events')]
  // The server would wait for open streams while it closes.
  app.addHook('preClose', async () => broadcast.end())
  app.addHook('onClose', async () => leave.forEach(off => off()))

  app.get('/api/events', {
    config: READ,
    exposeHeadRoute: false,
    schema: {
      tags: ['events'],
      querystring: Query,
      headers: Seen,
      response: { ...answers({}), 200: Stream }
    }
  }, ({ query, headers, trusted }, reply) => {
    if (broadcast.readers >= MOST_READERS) throw tooManyReaders(MOST_READERS)
    const seen = headers['last-event-id']
    const off = broadcast.join({
      topics: query.topics ?? null,
      after: seen === undefined ? undefined : /^\d+$/.test(seen) ? Number(seen) : Number.NaN,
      sink: sinkOf(reply),
      trusted
    })
    reply.raw.on('close', off)
    reply.raw.on('error', off)
  })
}

export default named('offpeak-events', events, ['offpeak-guard'])
