import Type from 'typebox'
import { SOURCES, STATES } from '../../core/index.ts'
import { Progress, RunIn } from './run.ts'
import { InstantIn, Limit, exactly, word } from './base.ts'

/** The query of a list of runs. */
export const RunFilter = exactly({
  task: Type.Optional(Type.String({ maxLength: 64 })),
  state: Type.Optional(Type.Array(word(STATES), { description: 'Repeated, or separated by commas' })),
  queue: Type.Optional(Type.String({ maxLength: 64 })),
  source: Type.Optional(word(SOURCES)),
  schedule: Type.Optional(Type.String({ maxLength: 64 })),
  from: Type.Optional(InstantIn),
  to: Type.Optional(InstantIn),
  limit: Limit(50, 200),
  cursor: Type.Optional(Type.String({ maxLength: 200 }))
})
/** The query of the log of a run. */
export const LineFilter = exactly({
  after: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
  limit: Limit(500, 2000)
})
export const ProgressNow = exactly({
  id: Type.String(),
  state: word(STATES),
  label: Type.String(),
  attempt: Type.Integer(),
  progress: Progress
}, { title: 'RunProgress' })

/** The body of a request for a run of a task. */
export const RequestIn = exactly({
  ...RunIn.properties,
  now: Type.Optional(
    Type.Boolean({
      description:
        'Starts at once: the run passes the gates for load, power and comfort, not those for safety, slots and pauses'
    })
  )
}, { examples: [{ payload: { full: true }, delay: '15m', priority: 'high' }] })
