import Type from 'typebox'
import { CERTAINTIES, DECISIONS, ON_DEADLINE, RECOMMENDATIONS, STAGES, STATES } from '../../core/index.ts'
import { Anything, Instant, exactly, nullable, word } from './base.ts'
import { Classed, Resting } from './task.ts'
import { Hold } from './run.ts'

const Place = nullable(exactly({
  file: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  pointer: Type.Optional(Type.String())
}, { description: 'Where the requirement is written' }))

const Gate = exactly({
  gate: Type.String(),
  ok: Type.Boolean(),
  code: Type.String(),
  message: Type.String(),
  observed: Anything,
  required: Anything,
  since: nullable(Instant),
  clears_at: nullable(Instant),
  certain: Type.Boolean({ description: 'Clock, calendar and definitions alone decide' }),
  kind: word(['order', 'safety', 'share', 'condition']),
  bypassed: nullable(word(['critical', 'deadline', 'on_unmet', 'now'], 'Why it is passed although it is closed')),
  relaxed_from: Type.Optional(Anything),
  source: Type.String(),
  place: Place
})

/** Why a run waits, waited, or would start. */
export const Explanation = exactly({
  task: Type.String(),
  run: nullable(Type.String()),
  at: Instant,
  decision: word(['start', 'hold', 'skip', 'fail', ...STATES]),
  message: Type.String({ description: 'The first reason' }),
  resting: Resting(
    'Why the task starts no run by itself: it is disabled, has no trigger, or its trigger never fires again'
  ),
  gates: Type.Array(Gate),
  earliest: nullable(
    exactly({ at: Instant, certain: Type.Boolean() }, { description: 'The first start that can be foreseen' })
  ),
  deadline: nullable(exactly({ at: Instant, on_deadline: word(ON_DEADLINE) })),
  class: nullable(Classed),
  relaxed: Type.Number({ description: 'How far limits have given way as the deadline nears, 0 to 1' }),
  advice: nullable(exactly({ decision: word(DECISIONS), reason: Type.String() })),
  recommendation: nullable(word(RECOMMENDATIONS)),
  holds: Type.Array(Hold)
})

const when = (description: string) => nullable(Type.String({ description: `${description}. ISO 8601 in UTC with Z` }))

/** One start to come, or a run that runs. */
export const Start = exactly({
  task: Type.String(),
  run: nullable(Type.String({ description: 'The run, when it exists' })),
  schedule: nullable(Type.String()),
  stage: word(STAGES, 'It runs, it waits, or a schedule will make it'),
  nominal_at: Instant,
  earliest_at: when('It starts no earlier; null: it cannot start as things are'),
  likely_at: when('When it starts if the machine stays as it is now; null: not within these hours'),
  latest_at: when('If it starts, then no later; null: no instant can be given'),
  certainty: word(CERTAINTIES, 'certain: between the earliest and the latest, whatever the readings will be'),
  depends_on: Type.Array(
    exactly({
      gate: Type.String(),
      ok: Type.Boolean({ description: 'It is open as things are now' }),
      message: Type.String()
    }),
    { description: 'What a conditional start depends on, with what it says now' }
  ),
  ends_at: when('When it ends if it starts at likely_at and takes the median time'),
  took: nullable(
    exactly({ p50: Type.Number(), p90: Type.Number(), runs: Type.Integer() }, {
      description: 'Seconds that past runs took'
    })
  )
})

export const SCOPES = ['all', 'queue', 'task', 'tag'] as const

export const Pause = exactly({
  scope: word(SCOPES),
  name: nullable(Type.String()),
  until: nullable(Instant),
  by: Type.String(),
  at: Instant,
  reason: nullable(Type.String())
})

/** Time that a reason has held a task. */
export const HeldTime = exactly({
  task: Type.String(),
  code: Type.String(),
  seconds: Type.Number(),
  runs: Type.Integer({ description: 'Runs that were held so' })
})
