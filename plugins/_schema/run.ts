import Type from 'typebox'
import { CONDITIONS, DurationSchema, LABELS, PRIORITIES, SOURCES, STATES, UniqueSchema } from '../../core/index.ts'
import { Anything, Held, Instant, InstantIn, Withheld, exactly, nullable, word } from './base.ts'

const Reason = exactly({
  code: Type.String(),
  message: Type.String(),
  by: Type.Optional(Type.String()),
  chain: Type.Optional(
    Type.Array(Type.String(), { description: 'Ids of the runs that caused it, the first cause first' })
  )
})
const Failure = Type.Object({
  name: Type.String(),
  message: Type.String(),
  code: Type.Optional(Type.String()),
  stack: Type.Optional(Type.String()),
  cause: Type.Optional(Anything)
})

export const Progress = nullable(exactly({
  stage: Type.Optional(Type.String({ description: 'The part of the work that the numbers are of' })),
  current: Type.Number(),
  total: nullable(Type.Number()),
  message: nullable(Type.String()),
  unit: nullable(Type.String()),
  rate: nullable(Type.Number({ description: 'Units a second' })),
  percentage: nullable(Type.Number()),
  eta: nullable(
    Type.Number({ description: 'Seconds: from the rate, and before there is one from how long earlier runs took' })
  ),
  at: Instant
}))

const RunFields = {
  ...Withheld,
  id: Type.String(),
  task: Type.String(),
  queue: Type.String(),
  priority: word(PRIORITIES),
  state: word(STATES),
  label: word(LABELS, 'What people call the state right now'),
  held: Held,
  source: word(SOURCES),
  schedule: nullable(Type.String()),
  key: nullable(Type.String()),
  created_at: Instant,
  due_at: Instant,
  nominal_at: Instant,
  started_at: nullable(Instant),
  finished_at: nullable(Instant),
  duration: nullable(Type.Number({ description: 'Seconds' })),
  attempt: Type.Integer(),
  max_retries: Type.Integer(),
  turn: Type.Integer(),
  crashes: Type.Integer(),
  missed: Type.Integer(),
  cancel: nullable(Reason),
  reason: nullable(Reason),
  error: nullable(Failure),
  warning: nullable(Type.String()),
  progress: Progress,
  deadline_at: nullable(Instant),
  now: Type.Boolean({
    description: 'It was asked for at once: it passes the conditions that load, power and comfort make'
  }),
  preempted: Type.Integer({ description: 'How often it gave its slot away' }),
  moved: nullable(
    exactly({ code: Type.String(), message: Type.String(), confidence: Type.Number() }, {
      description: 'Why it is due at another instant than its schedule said'
    })
  )
}
export const Run = exactly(RunFields)
/** A run that was asked for by hand. */
export const RequestedRun = exactly({
  ...RunFields,
  passes: Type.Optional(
    Type.Array(exactly({ gate: Type.String(), code: Type.String(), message: Type.String() }), {
      description: 'With `now`: the closed conditions that it passes'
    })
  )
})

const Attempt = exactly({
  turn: Type.Integer(),
  attempt: Type.Integer(),
  started_at: Instant,
  finished_at: Instant,
  outcome: Type.String(),
  error: nullable(Failure),
  reason: nullable(Reason)
})
/** What the attempts of a run have taken of the machine. */
export const Used = nullable(exactly({
  cpu_seconds: Type.Number({ description: 'Of all processors' }),
  memory_peak_bytes: Type.Number({ description: 'At once, of the attempt that took most' }),
  read_bytes: nullable(Type.Number({ description: 'From a disk' })),
  written_bytes: nullable(Type.Number({ description: 'To a disk' }))
}, { description: 'What its attempts have taken together; null when it was executed inline' }))

/** One reason for which a run was held. */
export const Hold = exactly({
  code: Type.String(),
  message: Type.String(),
  from: Instant,
  to: nullable(Instant),
  seconds: Type.Number()
})
const Checkpoint = exactly({
  version: nullable(Type.String({ description: 'Of the definition that saved it: another one is a changed task' })),
  state: Anything,
  steps: Type.Array(Type.String(), { description: 'Names of the steps that are done' })
})
const Prerequisite = exactly({
  run: Type.String(),
  condition: word(CONDITIONS),
  ref: nullable(Type.String()),
  state: word(STATES)
})
export const FullRun = exactly({
  ...RunFields,
  after: Type.Array(Prerequisite, { description: 'What it waits for, or has waited for' }),
  payload: Anything,
  result: Anything,
  checkpoint: nullable(Checkpoint),
  attempts: Type.Array(Attempt),
  holds: Type.Array(Hold, { description: 'What held it, oldest first' }),
  used: Used
})

export const Line = exactly({
  seq: Type.Integer(),
  at: Instant,
  level: Type.String(),
  text: Type.String(),
  attempt: Type.Integer(),
  data: Type.Optional(Anything)
})
const After = Type.Array(Type.Union([
  Type.String({
    minLength: 1,
    maxLength: 101,
    description: 'The id of a run, or #ref of one of the same call; it has to complete'
  }),
  exactly({
    run: Type.String({ minLength: 1, maxLength: 101 }),
    condition: Type.Optional(word(CONDITIONS, 'How it has to end; completed when absent'))
  })
]), { maxItems: 1000, description: 'What has to end first' })

/** Delay, urgency and payload of a run that is asked for. */
export const RunIn = exactly({
  payload: Type.Optional(
    Type.Unknown({ description: 'What the task finds in ctx.payload; its own payload when absent' })
  ),
  delay: Type.Optional(DurationSchema),
  due_at: Type.Optional(InstantIn),
  priority: Type.Optional(word(PRIORITIES)),
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'A second run of the task with the same key is the first one'
    })
  ),
  unique: Type.Optional(UniqueSchema),
  after: Type.Optional(After)
})
