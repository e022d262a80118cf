import Type from 'typebox'
import { DurationSchema } from '../../core/index.ts'
import { Instant, exactly } from './base.ts'

/** Selects runs that failed for good. */
export const Which = exactly({
  task: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  fingerprint: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'The fingerprint of the error' }))
})

const selection = {
  ...Which.properties,
  all: Type.Optional(
    Type.Boolean({ description: 'Has to be true when neither task nor fingerprint is given' })
  ),
  dry_run: Type.Optional(Type.Boolean({ description: 'Counts the runs and changes nothing' }))
}
const reason = Type.String({ minLength: 1, maxLength: 500 })
export const ReplayIn = exactly({
  ...selection,
  every: Type.Optional({ ...DurationSchema, description: 'The interval at which the runs become due' })
}, { minProperties: 1, examples: [{ task: 'backup', every: '30s' }] })
export const DiscardIn = exactly({ ...selection, reason }, {
  examples: [{ task: 'backup', reason: 'the disk is gone' }]
})
export const DiscardOneIn = exactly({ reason }, { examples: [{ reason: 'the disk is gone' }] })

/** Dead runs of one task with one error. */
export const Group = exactly({
  task: Type.String(),
  fingerprint: Type.String(),
  count: Type.Integer(),
  message: Type.String({ description: 'The error message of the newest' }),
  at: Type.Optional(Type.String({ description: 'The first frame of its stack in the code of the task' })),
  first_at: Instant,
  last_at: Instant
}, { title: 'DeadGroup' })

const counts = {
  matched: Type.Integer(),
  changed: Type.Integer(),
  refused: Type.Integer({ description: 'Runs that were not queued again, because their queues are full' }),
  dry_run: Type.Boolean()
}
export const Discarded = exactly(counts, { title: 'Discarded' })
export const Replayed = exactly({
  ...counts,
  vanished: Type.Integer({ description: 'Runs of tasks that are missing or disabled; they are unchanged' })
}, { title: 'Replayed' })
