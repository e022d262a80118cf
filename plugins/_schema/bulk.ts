import Type from 'typebox'
import { MOST_RUNS } from '../../core/index.ts'
import { RunIn } from './run.ts'
import { exactly } from './base.ts'

const { properties: fields } = RunIn
/** The body of a request for many runs. */
export const RunsIn = exactly({
  runs: Type.Array(exactly({ task: Type.String({ minLength: 1, maxLength: 64 }), ...fields }), {
    minItems: 1,
    maxItems: MOST_RUNS,
    description: 'Either all runs are added, or none'
  })
}, { examples: [{ runs: [{ task: 'backup' }, { task: 'report', payload: { month: 11 } }] }] })
export const Added = exactly({
  added: Type.Integer(),
  runs: Type.Array(
    exactly({ id: Type.String(), created: Type.Boolean({ description: 'False: a run with the key existed' }) })
  )
}, { title: 'AddedRuns' })
