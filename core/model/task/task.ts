import Type from 'typebox'
import type { Static, TSchema } from 'typebox'
import type { Backoff } from '../run/retry.ts'
import type { HoldPolicy } from './constraint.ts'
import type { FunctionSource, Niceness } from './isolation.ts'
import type { Json } from '../json/json.ts'
import type { Policy } from './policy.ts'
import type { Priority } from '../run/run.ts'
import type { TaskContext } from './context.ts'
import { DurationSchema } from '../base/section.ts'
import { HoldFields } from './constraint.ts'
import { IsolationFields } from './isolation.ts'
import { PRIORITIES } from '../run/run.ts'
import { PolicyFields } from './policy.ts'

export { DurationSchema } from '../base/section.ts'

export const ID_PATTERN = '^[a-z0-9][a-z0-9._-]{0,63}$'
const isId = new RegExp(ID_PATTERN)

/** Ids that no setting may have, since they name a member of every object. */
export const UNSETTABLE_IDS: readonly string[] = ['constructor', 'prototype']

/** True for an id that is safe in URLs, file names, settings and SQL. */
export const validId = (id: string): boolean => isId.test(id) && !UNSETTABLE_IDS.includes(id)

const word = <const W extends readonly string[]>(words: W, description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], description })

export const MISFIRES = ['run_latest', 'skip', 'run_all'] as const
export type Misfire = typeof MISFIRES[number]
const OVERLAPS = ['skip', 'queue', 'replace', 'allow'] as const
export type Overlap = typeof OVERLAPS[number]

const BackoffSchema = Type.Object({
  kind: Type.Optional(word(['exponential', 'linear', 'fixed', 'list'], 'How the wait grows')),
  delay: Type.Optional(DurationSchema),
  cap: Type.Optional(DurationSchema),
  list: Type.Optional(
    Type.Array(DurationSchema, { minItems: 1, maxItems: 100, description: 'The waits in order; the last one repeats' })
  ),
  jitter: Type.Optional(Type.Number({ minimum: 0, maximum: 1 }))
}, { additionalProperties: false, description: 'The wait between attempts' })

const ExitCodes = Type.Object({
  ok: Type.Optional(Type.Array(Type.Integer())),
  warn: Type.Optional(Type.Array(Type.Integer())),
  retry: Type.Optional(Type.Array(Type.Integer()))
}, { additionalProperties: false, description: 'What the exit codes of a script mean; any other is a failure' })

/** A word of a command line, or a value of an environment: the system ends both at a null character. */
const ArgumentSchema = Type.String({ title: 'argument' })

/** The data fields of a definition: allowed in a task file, in the header of a script and in config.json. */
const DefinitionFields = {
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  description: Type.Optional(Type.String({ maxLength: 4000 })),
  type: Type.Optional(
    Type.String({ maxLength: 64, description: 'A free word for the kind of work: backup, sync, maintenance' })
  ),
  trigger: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'cron, interval, date, or a crontab string; none = only on request'
    })
  ),
  trigger_args: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), { description: 'The arguments of the trigger' })
  ),
  timezone: Type.Optional(
    Type.String({ title: 'time zone', minLength: 1, description: 'IANA time zone of the trigger' })
  ),
  enabled: Type.Optional(Type.Boolean()),
  run_on_start: Type.Optional(Type.Boolean({ description: 'One run is added whenever offpeak starts' })),
  max_retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  backoff: Type.Optional(BackoffSchema),
  timeout: Type.Optional(DurationSchema),
  queue: Type.Optional(Type.String({ pattern: ID_PATTERN })),
  priority: Type.Optional(word(PRIORITIES, 'Most urgent first: critical, high, normal, low')),
  tags: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 32 })),
  concurrency: Type.Optional(Type.Integer({ minimum: 1, description: 'How many of its runs may run at once' })),
  overlap: Type.Optional(word(OVERLAPS, 'What a fire does while an earlier run is unfinished')),
  misfire: Type.Optional(word(MISFIRES, 'What happens to missed fires')),
  misfire_grace: Type.Optional(DurationSchema),
  max_catch_up: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  payload: Type.Optional(Type.Unknown({ description: 'The ctx.payload of scheduled runs' })),
  input: Type.Optional(
    Type.Unsafe<TSchema>({ type: 'object', description: 'JSON schema of the payload, checked when a run is added' })
  ),
  args: Type.Optional(Type.Array(ArgumentSchema, { description: 'Arguments of a script' })),
  env: Type.Optional(
    Type.Record(Type.String(), ArgumentSchema, {
      description: 'Environment of a script or process, beside the minimal one'
    })
  ),
  exit_codes: Type.Optional(ExitCodes),
  ...IsolationFields,
  ...HoldFields,
  ...PolicyFields
}

/** The overrides of one task in config.json: any data field of its definition. */
export const OverrideSchema = Type.Object(DefinitionFields, { additionalProperties: false })
export type Override = Static<typeof OverrideSchema>

/** What config.json says of a task: overrides, or the whole definition of one that is a command. */
export const SettingsSchema = Type.Object({
  ...DefinitionFields,
  command: Type.Optional(
    Type.Array(ArgumentSchema, {
      prefixItems: [Type.String({ minLength: 1 })],
      minItems: 1,
      maxItems: 1000,
      description: 'Defines a task without a file: a program and its arguments, started without a shell'
    })
  )
}, { additionalProperties: false })

/** The schema of the data of a definition. */
export const DefinitionSchema = Type.Object(
  { id: Type.String({ pattern: ID_PATTERN }), ...DefinitionFields },
  { additionalProperties: false }
)

/** The function of a task. It returns the result of the run; when it throws, the attempt fails. */
export type TaskFunction = (ctx: TaskContext) => unknown

/** The export of a task file: the data and the function. */
export type TaskDefinition = Static<typeof DefinitionSchema> & { func: TaskFunction }

/** The work of a task: a function in this thread, a function in another thread or process, or a script. */
export type Work =
  | { kind: 'function', func: TaskFunction }
  | { kind: 'isolated', within: 'thread' | 'process', home: FunctionSource, memory_mb: number | null,
    env: Record<string, string> } & Niceness
  | { kind: 'script', file: string, args: string[], env: Record<string, string>,
    exit_codes: { ok: number[], warn: number[], retry: number[] }, interpreter?: string[], memory_mb?: number,
    /** The folder in which it is started; that of the script when absent. */
    cwd?: string, /** It is started even if others may change it: `security.accept_loose_files`. */ loose?: boolean }
    & Niceness

/** A definition with every default filled in, frozen after load. Names of times in milliseconds end with `Ms`. */
export interface Task extends HoldPolicy, Policy {
  id: string
  name: string
  description: string
  type: string
  trigger: string | null
  trigger_args: Record<string, Json>
  timezone: string
  enabled: boolean
  run_on_start: boolean
  max_retries: number
  backoff: Backoff
  timeoutMs: number
  queue: string
  priority: Priority
  tags: string[]
  /** Infinity: limited only by slots. */
  concurrency: number
  overlap: Overlap
  misfire: Misfire
  misfireGraceMs: number
  max_catch_up: number
  payload: Json
  input: TSchema | null
  work: Work
  /** Where it was defined: a path below the tasks directory, or `code`. */
  source: string
  /** A hash that changes with its file or, for a task added in code, with its function. */
  version: string
}
