import Type from 'typebox'
import type { Static, TSchema } from 'typebox'
import { CLASSES, CONDITIONS, DurationSchema, LABELS, ON_DEADLINE, ON_LOST, ON_UNMET, PRIORITIES, SOURCES, STATES,
  STATUSES, UniqueSchema } from '../../core/index.ts'

type Fields = Record<string, TSchema>

/** An object with exactly these fields. */
export const exactly = <F extends Fields>(fields: F, options: object = {}) =>
  Type.Object(fields, { additionalProperties: false, ...options })

/** A schema that null fits too. */
export const nullable = <S extends TSchema>(schema: S) => {
  const { type, ...rest } = schema as S & { type: string, enum?: unknown[] }
  return Type.Unsafe<Static<S> | null>({
    ...rest,
    type: [type, 'null'],
    ...rest.enum && { enum: [...rest.enum, null] }
  })
}

/** One of some words. */
export const word = <const W extends readonly string[]>(words: W, description?: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], ...description && { description } })

const text = (description: string) => Type.String({ description })
export const Instant = Type.String({ description: 'ISO 8601 in UTC with Z' })
/** Any JSON. */
export const Anything = Type.Unsafe<unknown>({})
const Counted = exactly(Object.fromEntries(STATES.map(state => [state, Type.Integer()])))

export const InstantIn = Type.String({
  title: 'instant',
  minLength: 10,
  maxLength: 40,
  description: 'ISO 8601 with a zone, such as 2026-11-22T03:00:00Z'
})
export const KeyHeader = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description:
        'Names the request: sent again, it is answered with what it added first; another one with this key is refused'
    })
  )
})
export const Limit = (standard: number, most: number) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: most, default: standard }))
export const IdIn = exactly({ id: Type.String({ minLength: 1, maxLength: 100 }) })

export const Reason = exactly({
  code: Type.String(),
  message: Type.String(),
  by: Type.Optional(Type.String()),
  chain: Type.Optional(
    Type.Array(Type.String(), { description: 'Ids of the runs that caused it, the first cause first' })
  )
})
export const Held = nullable(
  exactly({ code: Type.String(), message: Type.String() }, { description: 'Why it waits although it is due' })
)
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

const LastRun = nullable(exactly({
  id: Type.String(),
  state: word(STATES),
  at: Instant,
  duration: nullable(Type.Number()),
  error: nullable(Type.String()),
  warning: nullable(Type.String())
}))

const Trigger = nullable(exactly({
  kind: Type.String(),
  args: Type.Record(Type.String(), Anything),
  timezone: Type.String(),
  words: text('The trigger in plain English')
}))

/** A class and the word that decided. */
export const Classed = exactly({ class: word(CLASSES), because: Type.String({ description: 'The word that decided' }) })

export const Task = exactly({
  id: Type.String(),
  name: Type.String(),
  description: Type.String(),
  type: Type.String(),
  queue: Type.String(),
  priority: Type.String(),
  tags: Type.Array(Type.String()),
  enabled: Type.Boolean(),
  trigger: Trigger,
  status: word(STATUSES),
  held: Held,
  last_run: LastRun,
  next_run: nullable(Instant),
  counts: Counted,
  max_retries: Type.Integer(),
  timeout: Type.Number({ description: 'Seconds; 0 is no limit' }),
  concurrency: nullable(Type.Integer()),
  overlap: Type.String(),
  misfire: Type.String(),
  class: Classed,
  constraints: Type.Record(Type.String(), Anything, { description: 'What it asks of the machine' }),
  deadline: Type.Number({ description: 'How long a run may be held, seconds' }),
  on_deadline: word(ON_DEADLINE),
  on_unmet: word(ON_UNMET),
  on_lost: word(ON_LOST),
  flex: Type.Number({ description: 'How far a scheduled run may be moved to a quieter hour, seconds' }),
  preemptible: Type.Boolean(),
  source: text('The task file')
})

/** What a request without a token is not shown. */
const Withheld = {
  withheld: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Members that are null here because the request had no token: send the one in the file `token` of the data folder as `Authorization: Bearer <token>`'
    })
  )
}

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

export const Resting = (description: string) =>
  nullable(exactly({ code: Type.String(), message: Type.String() }, { description }))

export const Schedule = exactly({
  id: Type.String(),
  task: Type.String(),
  origin: word(['file', 'api']),
  trigger: Type.String(),
  trigger_args: Type.Record(Type.String(), Anything),
  timezone: Type.String(),
  payload: Anything,
  words: Type.String(),
  next_at: nullable(Instant),
  nominal_at: nullable(Instant),
  created_at: Instant,
  created_by: Type.String(),
  ...Withheld,
  resting: Type.Boolean({ description: 'It does not fire as things are' }),
  reason: Resting('Why it rests')
})

export const Line = exactly({
  seq: Type.Integer(),
  at: Instant,
  level: Type.String(),
  text: Type.String(),
  attempt: Type.Integer(),
  data: Type.Optional(Anything)
})
export const Recorded = exactly({
  seq: Type.Integer(),
  at: Instant,
  by: Type.String(),
  action: Type.String(),
  subject: Type.String(),
  detail: Anything
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

const Problem = exactly({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  instance: Type.String(),
  code: Type.String(),
  request_id: Type.Optional(Type.String()),
  fix: Type.Optional(Type.String()),
  file: Type.Optional(Type.String()),
  line: Type.Optional(Type.Integer()),
  column: Type.Optional(Type.Integer()),
  pointer: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(exactly({ pointer: Type.String(), detail: Type.String() })))
}, { description: 'RFC 9457' })

const refused = { description: 'A problem, RFC 9457', content: { 'application/problem+json': { schema: Problem } } }

/** The answers of a route: its own, and problems. */
export const answers = <A extends Record<number, TSchema>>(own: A) => ({ ...own, '4xx': refused, '5xx': refused })

/** A page of items; `next` asks for the page after. */
export const page = <S extends TSchema, N extends TSchema>(items: S, next: N) =>
  exactly({ items: Type.Array(items), next })
