import Type from 'typebox'
import type { Static } from 'typebox'
import { DurationSchema, SOURCES, STATES } from '../../core/index.ts'
import { InstantIn, exactly, word } from './base.ts'
import { Run } from './run.ts'
import { instantIn } from '../_http/answers.ts'

/** A filter of runs; at least one field is required. */
const Which = exactly({
  task: Type.Optional(Type.String({ maxLength: 64 })),
  state: Type.Optional(Type.Array(word(STATES), { minItems: 1 })),
  queue: Type.Optional(Type.String({ maxLength: 64 })),
  source: Type.Optional(word(SOURCES)),
  schedule: Type.Optional(Type.String({ maxLength: 64 })),
  fingerprint: Type.Optional(Type.String({ maxLength: 64, description: 'The fingerprint of the error' })),
  from: Type.Optional(InstantIn),
  to: Type.Optional(InstantIn)
}, { minProperties: 1, description: 'Selects the runs' })

/** A change of all runs that match a filter. */
export const ChangeIn = exactly({
  filter: Which,
  dry_run: Type.Optional(Type.Boolean({ description: 'Counts the runs and changes nothing' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'The maximum number of runs, newest first' })
  ),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
  every: Type.Optional({ ...DurationSchema, description: 'The interval at which retried runs become due' })
}, { examples: [{ filter: { task: 'backup', state: ['failed'] }, dry_run: true }] })

/** The result of a change. `matched`: the number of runs that could be changed when it began. */
export const Changed = exactly({
  matched: Type.Integer(),
  changed: Type.Integer(),
  refused: Type.Integer({ description: 'Runs that were not retried, because their queues are full' }),
  dry_run: Type.Boolean(),
  runs: Type.Optional(Type.Array(Run, { description: 'With dry_run: the newest matching runs, at most 20' }))
}, { title: 'Changed' })

/** The filter of a body with its instants in epoch ms; throws OFFPEAK_INPUT_INVALID. */
export function filterIn ({ from, to, ...rest }: Static<typeof Which>) {
  const range = { from: instantIn('/filter/from', from), to: instantIn('/filter/to', to) }
  return { ...rest, ...range.from !== undefined && { from: range.from }, ...range.to !== undefined && { to: range.to } }
}
