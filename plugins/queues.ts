import Type from 'typebox'
import { READ } from './_http/scope.ts'
import { ON_FULL } from '../core/index.ts'
import { Instant, answers, exactly, nullable, word } from './_schema/base.ts'
import { named } from './_http/plugin.ts'
import type { Plugin } from './_http/plugin.ts'

const Queue = exactly({
  name: Type.String(),
  tasks: Type.Array(Type.String()),
  depth: Type.Integer({ description: 'Waiting runs, due or not' }),
  running: Type.Integer(),
  concurrency: nullable(Type.Integer()),
  rate: nullable(
    exactly({
      limit: Type.Integer(),
      per: Type.Number({ description: 'Seconds' }),
      left: Type.Integer({ description: 'Starts left in the current period' })
    })
  ),
  max_length: nullable(Type.Integer()),
  on_full: word(ON_FULL),
  paused: nullable(exactly({ by: Type.String(), until: nullable(Instant), reason: nullable(Type.String()) })),
  oldest: nullable(Type.String({ description: 'The due time of the due run that has waited longest' }))
}, { title: 'Queue' })
const NameIn = exactly({ name: Type.String({ minLength: 1, maxLength: 64 }) })

/** The queues, their limits and their waiting runs. POST /api/pauses pauses one. */
const queues: Plugin = async app => {
  const { desk } = app.manager
  const tags = ['queues']

  app.get('/api/queues', { config: READ, schema: { tags, response: answers({ 200: Type.Array(Queue) }) } },
    async () => await desk.queues.list())

  app.get('/api/queues/:name', { config: READ, schema: { tags, params: NameIn, response: answers({ 200: Queue }) } },
    async ({ params }) => await desk.queues.get(params.name))
}

export default named('offpeak-queues', queues, ['offpeak-docs', 'offpeak-inputs', 'offpeak-problems'])
