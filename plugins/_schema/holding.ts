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
  certain: Type.Boolean({ description: 'True when only the clock, the calendar and definitions decide' }),
  kind: word(['order', 'safety', 'share', 'condition']),
  bypassed: nullable(
    word(['critical', 'deadline', 'on_unmet', 'now'], 'Why the run passes this gate although it is closed')
  ),
  relaxed_from: Type.Optional(Anything),
  source: Type.String(),
  place: Place
}, { title: 'Gate' })

/** Every gate of a run or task, and the decision that follows. */
export const Explanation = exactly({
  task: Type.String(),
  run: nullable(Type.String()),
  at: Instant,
  decision: word(['start', 'hold', 'skip', 'fail', ...STATES]),
  message: Type.String({ description: 'The first reason' }),
  resting: Resting(
    'Why the task does not start runs by itself: it is disabled, has no trigger, or its trigger never fires again'
  ),
  gates: Type.Array(Gate),
  earliest: nullable(
    exactly({ at: Instant, certain: Type.Boolean() }, { description: 'The earliest start that can be predicted' })
  ),
  deadline: nullable(exactly({ at: Instant, on_deadline: word(ON_DEADLINE) })),
  class: nullable(Classed),
  relaxed: Type.Number({ description: 'How far limits are relaxed as the deadline approaches, 0 to 1' }),
  advice: nullable(exactly({ decision: word(DECISIONS), reason: Type.String() })),
  recommendation: nullable(word(RECOMMENDATIONS)),
  holds: Type.Array(Hold)
}, { title: 'Explanation' })

const when = (description: string) => nullable(Type.String({ description: `${description}. ISO 8601 in UTC with Z` }))

/** A future start, or a running run. */
export const Start = exactly({
  task: Type.String(),
  run: nullable(Type.String({ description: 'The id of the run, if it exists' })),
  schedule: nullable(Type.String()),
  stage: word(STAGES, 'The run is running or waiting, or a schedule will add it'),
  nominal_at: Instant,
  earliest_at: when('The earliest start; null: it cannot start under the current conditions'),
  likely_at: when('The start if the machine stays as it is now; null: not within these hours'),
  latest_at: when('The latest start, if it starts; null: unknown'),
  certainty: word(CERTAINTIES,
    'certain: it starts between the earliest and the latest start, whatever the readings are'),
  depends_on: Type.Array(
    exactly({
      gate: Type.String(),
      ok: Type.Boolean({ description: 'True when the gate is open now' }),
      message: Type.String()
    }),
    { description: 'The gates that a conditional start depends on, with their state now' }
  ),
  ends_at: when('The end if it starts at likely_at and takes the median duration'),
  took: nullable(
    exactly({ p50: Type.Number(), p90: Type.Number(), runs: Type.Integer() }, {
      description: 'Durations of past runs, seconds'
    })
  )
}, { title: 'Start' })

export const SCOPES = ['all', 'queue', 'task', 'tag'] as const

export const Pause = exactly({
  scope: word(SCOPES),
  name: nullable(Type.String()),
  until: nullable(Instant),
  by: Type.String(),
  at: Instant,
  reason: nullable(Type.String())
}, { title: 'Pause' })

/** How long one reason held the runs of a task. */
export const HeldTime = exactly({
  task: Type.String(),
  code: Type.String(),
  seconds: Type.Number(),
  runs: Type.Integer({ description: 'The number of runs that it held' })
}, { title: 'HeldTime' })
