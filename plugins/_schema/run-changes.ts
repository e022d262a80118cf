import Type from 'typebox'
import { PRIORITIES } from '../../core/index.ts'
import { InstantIn, exactly, word } from './base.ts'

/** The body of an edit of a waiting run. */
export const EditIn = exactly({
  priority: Type.Optional(word(PRIORITIES)),
  payload: Type.Optional(Type.Unknown({ description: 'The new payload' })),
  due_at: Type.Optional(InstantIn)
}, { examples: [{ priority: 'high', due_at: '2026-11-22T03:00:00Z' }], minProperties: 1 })
/** The query of a deletion. */
export const WhyIn = exactly({
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'The reason; it is recorded' }))
})

/** The body of a cancellation. */
export const WhyBody = exactly({ reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) }, {
  examples: [{ reason: 'not needed any more' }]
})
