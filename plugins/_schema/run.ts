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
}, { title: 'Reason' })
const Failure = Type.Object({
  name: Type.String(),
  message: Type.String(),
  code: Type.Optional(Type.String()),
  at: Type.Optional(
    Type.String({ description: 'The first frame of its stack in the code of the task, such as throws.ts:1:120' })
  ),
  stack: Type.Optional(Type.String()),
  cause: Type.Optional(Anything)
}, { title: 'Failure' })

export const Progress = nullable(exactly({
  stage: Type.Optional(Type.String({ description: 'The part of the work that the numbers refer to' })),
  current: Type.Number(),
  total: nullable(Type.Number()),
  message: nullable(Type.String()),
  unit: nullable(Type.String()),
  rate: nullable(Type.Number({ description: 'Units per second' })),
  percentage: nullable(Type.Number()),
  eta: nullable(
    Type.Number({
      description: 'Seconds, estimated by the rate, or by the durations of earlier runs while there is no rate'
    })
  ),
  at: Instant
}, { title: 'Progress' }))

const RunFields = {
  ...Withheld,
  id: Type.String(),
  task: Type.String(),
  queue: Type.String(),
  priority: word(PRIORITIES),
  state: word(STATES),
  label: word(LABELS, 'The state as it is shown to people'),
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
    description: 'True when the run was requested to start at once: it passes the gates for load, power and comfort'
  }),
  preempted: Type.Integer({ description: 'How often it was preempted' }),
  moved: nullable(
    exactly({ code: Type.String(), message: Type.String(), confidence: Type.Number() }, {
      description: 'Why its due time differs from its schedule'
    })
  )
}
export const Run = exactly(RunFields, { title: 'Run' })
/** A run that a person requested. */
export const RequestedRun = exactly({
  ...RunFields,
  passes: Type.Optional(
    Type.Array(exactly({ gate: Type.String(), code: Type.String(), message: Type.String() }), {
      description: 'With `now`: the closed gates that it passes'
    })
  )
}, { title: 'RequestedRun' })

const Attempt = exactly({
  turn: Type.Integer(),
  attempt: Type.Integer(),
  started_at: Instant,
  finished_at: Instant,
  outcome: Type.String(),
  error: nullable(Failure),
  reason: nullable(Reason)
}, { title: 'Attempt' })
/** The resources that the attempts of a run used. */
export const Used = nullable(exactly({
  cpu_seconds: Type.Number({ description: 'Processor time on all cores' }),
  memory_peak_bytes: Type.Number({ description: 'The peak of the attempt that used most' }),
  read_bytes: nullable(Type.Number({ description: 'Bytes read from disks' })),
  written_bytes: nullable(Type.Number({ description: 'Bytes written to disks' }))
}, { title: 'Used', description: 'Resources used by all attempts; null when the run was executed inline' }))

/** A period in which a run was held, with the reason. */
export const Hold = exactly({
  code: Type.String(),
  message: Type.String(),
  from: Instant,
  to: nullable(Instant),
  seconds: Type.Number()
}, { title: 'Hold' })
const Checkpoint = exactly({
  version: nullable(Type.String({ description: 'Version of the task definition that saved it' })),
  state: Anything,
  steps: Type.Array(Type.String(), { description: 'Names of the completed steps' })
}, { title: 'Checkpoint' })
const Prerequisite = exactly({
  run: Type.String(),
  condition: word(CONDITIONS),
  ref: nullable(Type.String()),
  state: word(STATES)
}, { title: 'Prerequisite' })
export const FullRun = exactly({
  ...RunFields,
  after: Type.Array(Prerequisite, { description: 'Runs that have to end first' }),
  payload: Anything,
  result: Anything,
  checkpoint: nullable(Checkpoint),
  attempts: Type.Array(Attempt),
  holds: Type.Array(Hold, { description: 'Periods in which it was held, oldest first' }),
  used: Used
}, { title: 'FullRun' })

export const Line = exactly({
  seq: Type.Integer(),
  at: Instant,
  level: Type.String(),
  text: Type.String(),
  attempt: Type.Integer(),
  data: Type.Optional(Anything)
}, { title: 'LogLine' })
const After = Type.Array(Type.Union([
  Type.String({
    minLength: 1,
    maxLength: 101,
    description: 'The id of a run, or #ref of a run in the same request; it has to complete'
  }),
  exactly({
    run: Type.String({ minLength: 1, maxLength: 101 }),
    condition: Type.Optional(word(CONDITIONS, 'How it has to end; default: completed'))
  })
]), { maxItems: 1000, description: 'Runs that have to end first' })

/** The options of a requested run. */
export const RunIn = exactly({
  payload: Type.Optional(
    Type.Unknown({ description: 'The value of ctx.payload; default: the payload of the task' })
  ),
  delay: Type.Optional(DurationSchema),
  due_at: Type.Optional(InstantIn),
  priority: Type.Optional(word(PRIORITIES)),
  key: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Idempotency key: a second request with the same key returns the first run'
    })
  ),
  unique: Type.Optional(UniqueSchema),
  after: Type.Optional(After)
})
