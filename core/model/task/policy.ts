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
  condition: Type.Optional(word(CONDITIONS, 'How it must have ended; completed when absent')),
  fresh: Type.Optional({
    ...lasting('nothing ends at the same instant, its runs would wait forever'),
    description: 'How long ago it may have ended'
  })
}, { additionalProperties: false, description: 'A task that must have run' })

/** How long a key identifies one run, and what happens to a second one meanwhile. */
export const UniqueSchema = Type.Object({
  while: Type.Optional(
    word(['queued', 'running', 'kept'],
      'Until the run starts, until it ends, or as long as it is stored; the last when absent')
  ),
  for: Type.Optional({ ...DurationSchema, description: 'This long from when it was added' }),
  on_conflict: Type.Optional(word(CONFLICTS, 'What happens to the existing run; return when absent'))
}, { additionalProperties: false, description: 'How long a key identifies one run' })
export type UniqueSetting = Static<typeof UniqueSchema>

const TaskUnique = Type.Object({
  by: Type.Optional(
    word(['key', 'task', 'payload'],
      'What makes two runs the same: their key, their task, or their payload; key when absent')
  ),
  ...UniqueSchema.properties
}, { additionalProperties: false, description: 'Which runs of the task are duplicates' })

const Breaker = Type.Object({
  failures: Type.Integer({ minimum: 1, maximum: 1000, description: 'Failed attempts in a row that pause the task' }),
  pause: Type.Optional({ ...DurationSchema, description: 'The first pause; each later one is twice as long' }),
  cap: Type.Optional({ ...DurationSchema, description: 'Longest pause' })
}, { additionalProperties: false, description: 'Pauses the task when it keeps failing' })

/** The fields of a definition that relate its runs to other runs. */
export const PolicyFields = {
  depends_on: Type.Optional(Type.Array(DependsOn, { maxItems: 32, description: 'Tasks that must have run first' })),
  locks: Type.Optional(
    Type.Array(name('A lock'), { maxItems: 32, description: 'Tasks with the same lock run one at a time' })
  ),
  alone: Type.Optional(Type.Boolean({ description: 'Nothing else runs at the same time' })),
  retry_for: Type.Optional({
    ...DurationSchema,
    description: 'Time after the first attempt within which a retry may begin'
  }),
  unique: Type.Optional(TaskUnique),
  breaker: Type.Optional(Breaker),
  on_changed: Type.Optional(
    word(ON_CHANGED, 'What happens to a checkpoint saved before the task file changed: keep it, or begin without it')
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

/** The fields with defaults filled in. */
export interface Policy {
  depends_on: readonly Dependency[]
  locks: readonly string[]
  alone: boolean
  /** Infinity: only max_retries limits them. */
  retryForMs: number
  unique: UniqueRule | null
  breaker: BreakerRule | null
  on_changed: OnChanged
}

/** The setting in the form that the engine stores. */
export function uniqueOf ({ while: until, for: span, on_conflict: conflict = 'return' }: UniqueSetting): Unique {
  if (span !== undefined) return { until: milliseconds(span), conflict }
  return { until: until === 'queued' ? 'started' : until === 'running' ? 'finished' : 'kept', conflict }
}

/** The default policy. */
export const NO_POLICY: Policy = {
  depends_on: [],
  locks: [],
  alone: false,
  retryForMs: Infinity,
  unique: null,
  breaker: null,
  on_changed: 'keep'
}
