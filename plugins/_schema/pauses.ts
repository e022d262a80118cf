import Type from 'typebox'
import { DurationSchema } from '../../core/index.ts'
import { SCOPES } from './holding.ts'
import { InstantIn, exactly, word } from './base.ts'

const Scoped = {
  scope: word(SCOPES),
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'The name of the queue, task or tag' }))
}
/** The body of a new pause. */
export const PauseIn = exactly({
  ...Scoped,
  until: Type.Optional(InstantIn),
  for: Type.Optional(DurationSchema),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 }))
}, { examples: [{ scope: 'queue', name: 'default', for: '2h', reason: 'moving house' }] })
/** Which pause is meant. */
export const Which = exactly(Scoped)
