import { Type } from 'typebox'
import type { Static } from 'typebox'
import { CONDITIONS, CONFLICTS } from '../run/run.ts'
import type { Condition, Unique } from '../run/run.ts'
import type { OnChanged } from '../run/checkpoint.ts'
import { DurationSchema, lasting } from '../base/section.ts'
import { ON_CHANGED } from '../run/checkpoint.ts'
import { milliseconds } from '../base/duration.ts'

const word = <const W extends readonly string[]>(words: W, description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], description })

const NAME = '^[a-z0-9][a-z0-9._-]{0,63}$'
const name = (description: string) => Type.String({ pattern: NAME, description })

const DependsOn = Type.Object({
  task: name('The task whose last run counts'),
  condition: Type.Optional(word(CONDITIONS, 'How it has to have ended; completed when absent')),
  fresh: Type.Optional({
    ...lasting('nothing ends at the same instant: its runs would wait for ever'),
    description: 'Not longer ago than this'
  })
}, { additionalProperties: false, description: 'Another task that has to have run' })

/** How long a key names one run, and what becomes of a second one meanwhile. */
export const UniqueSchema = Type.Object({
  while: Type.Optional(
    word(['queued', 'running', 'kept'],
      'Until the run starts, until it is over, or as long as it is kept; the last when absent')
  ),
  for: Type.Optional({ ...DurationSchema, description: 'So long from when it was added' }),
  on_conflict: Type.Optional(word(CONFLICTS, 'What becomes of the run that is there; return when absent'))
}, { additionalProperties: false, description: 'How long a key names one run' })
export type UniqueSetting = Static<typeof UniqueSchema>

const TaskUnique = Type.Object({
  by: Type.Optional(
    word(['key', 'task', 'payload'],
      'What makes two runs the same: the key they were asked for with, their task, or their payload; key when absent')
  ),
  ...UniqueSchema.properties
}, { additionalProperties: false, description: 'Which runs of the task are one and the same' })

const Breaker = Type.Object({
  failures: Type.Integer({ minimum: 1, maximum: 1000, description: 'So many failed attempts in a row pause the task' }),
  pause: Type.Optional({ ...DurationSchema, description: 'The first pause; each one after it is twice as long' }),
  cap: Type.Optional({ ...DurationSchema, description: 'No pause is longer' })
}, { additionalProperties: false, description: 'Pauses the task when it fails and fails' })

/** The fields of a definition that say what its runs mind of others. */
export const PolicyFields = {
  depends_on: Type.Optional(Type.Array(DependsOn, { maxItems: 32, description: 'Tasks that have to have run first' })),
  locks: Type.Optional(
    Type.Array(name('A lock'), { maxItems: 32, description: 'Of tasks that name the same lock one runs at a time' })
  ),
  alone: Type.Optional(Type.Boolean({ description: 'Nothing else runs meanwhile' })),
  retry_for: Type.Optional({ ...DurationSchema, description: 'No attempt begins later than this after the first one' }),
  unique: Type.Optional(TaskUnique),
  breaker: Type.Optional(Breaker),
  on_changed: Type.Optional(
    word(ON_CHANGED,
      'What becomes of a checkpoint that was saved before the file of the task changed: it is given back, or the run begins without it')
  )
}

export interface Dependency {
  task: string
  condition: Condition
  freshMs: number
}
export interface BreakerRule {
  failures: number
  pauseMs: number
  capMs: number
}
export type UniqueRule = Static<typeof TaskUnique>

/** The same with every default filled in. */
export interface Policy {
  depends_on: readonly Dependency[]
  locks: readonly string[]
  alone: boolean
  /** Infinity: max_retries alone bounds them. */
  retryForMs: number
  unique: UniqueRule | null
  breaker: BreakerRule | null
  on_changed: OnChanged
}

/** What the engine is told of a key. */
export function uniqueOf ({ while: until, for: span, on_conflict: conflict = 'return' }: UniqueSetting): Unique {
  if (span !== undefined) return { until: milliseconds(span), conflict }
  return { until: until === 'queued' ? 'started' : until === 'running' ? 'finished' : 'kept', conflict }
}

/** No policy: a task that minds nobody. */
export const NO_POLICY: Policy = {
  depends_on: [],
  locks: [],
  alone: false,
  retryForMs: Infinity,
  unique: null,
  breaker: null,
  on_changed: 'keep'
}
