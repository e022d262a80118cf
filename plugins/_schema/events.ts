import Type from 'typebox'
import { TOPICS } from '../../core/index.ts'
import { exactly, word } from './base.ts'

/** The query of the event stream. */
export const Query = exactly({
  topics: Type.Optional(Type.Array(word(TOPICS), { description: 'Repeated, or separated by commas; default: all' }))
})
/** The headers of the event stream. */
export const Seen = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ maxLength: 100, description: 'The id of the last event received; later ones are sent first' })
  )
})
/** The answer of the event stream. */
export const Stream = {
  description: 'text/event-stream: `id`, `event` (the kind of the notice, or `reset`) and `data` in JSON',
  content: {
    'text/event-stream': {
      schema: Type.String({ examples: ['id: 17\nevent: settled\ndata: {"kind":"settled"}\n\n'] })
    }
  }
}
