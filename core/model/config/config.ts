import { Type } from 'typebox'
import type { Static, TObject, TProperties } from 'typebox'
import { Default } from 'typebox/value'
import type { Detail } from '../errors/errors.ts'
import { DurationSchema, ID_PATTERN, OverrideSchema, SettingsSchema, validId } from '../task/task.ts'
import { expectedWords, faultsOf, foundWords, pointerOf } from '../base/check.ts'
import { LIMIT_BASE, limitFaults, regimesOf } from './defaults.ts'
import { LIMIT_SECTIONS } from './limits.ts'
import { SENSE_BASE, SENSE_SECTIONS } from './sense.ts'
import { sensingFaults } from './sense-faults.ts'
import { QueuesSchema } from './queue.ts'
import { UploadsSchema } from './upload.ts'
import { lasting, loose as looseGroups } from '../base/section.ts'

const section = <F extends TProperties>(fields: F, description: string) =>
  Type.Object(fields, { additionalProperties: false, description })

const duration = (standard: string | number, description: string) => ({
  ...DurationSchema,
  default: standard,
  description
})

const word = <const W extends readonly string[]>(words: W, standard: W[number], description: string) =>
  Type.Unsafe<W[number]>({ type: 'string', enum: [...words], default: standard, description })

const whole = (standard: number, range: { minimum: number, maximum?: number, description: string }) =>
  Type.Integer({ default: standard, ...range })

const text = (standard: string, description: string) =>
  Type.String({ default: standard, minLength: 1, maxLength: 1000, description })

const flag = (standard: boolean, description: string) => Type.Boolean({ default: standard, description })

const texts = (standard: string[], description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 300 }), { default: standard, maxItems: 200, description })

const Manager = section({
  tasks_directory: text('backgroundtask', 'The folder of task files'),
  tasks_directories: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
    minItems: 1,
    maxItems: 50,
    description: 'Several folders of task files, instead of `tasks_directory`'
  })),
  max_tasks: whole(1000, { minimum: 1, maximum: 100_000, description: 'Maximum number of tasks; more are refused' }),
  task_timeout: duration(300, 'Timeout of an attempt when its task sets none'),
  auto_restart_tasks: flag(true, 'Restart runs that a crash of the process interrupted'),
  max_task_retries: whole(3, { minimum: 0, maximum: 1000, description: 'Retries of a task that sets none' }),
  scheduler_thread_pool: whole(10, { minimum: 1, maximum: 1000, description: 'How many runs may run at once' }),
  timezone: Type.String({
    title: 'time zone',
    minLength: 1,
    description: 'IANA time zone of triggers without one; the zone of the machine when absent'
  }),
  stop_grace: duration('20s', 'How long running runs may continue after a stop is requested'),
  loop_limit: duration('15m',
    'A server whose event loop is blocked for longer by an inline task exits, so its supervisor restarts it; 0: never'),
  crash_cap: whole(5, {
    minimum: 1,
    maximum: 1000,
    description: 'A run that was running during this many crashes, alone in the last one, fails'
  })
}, 'The task manager')

const Engine = section({
  kind: word(['sqlite'], 'sqlite', 'Where runs live'),
  folder: text('data', 'The data folder'),
  synchronous: word(['full', 'normal'], 'full',
    'full survives power loss; normal is faster and survives only a crash of the process')
}, 'Where runs live')

const Server = section({
  host: text('127.0.0.1', 'The address to listen on'),
  port: whole(7420, { minimum: 0, maximum: 65_535, description: 'The port to listen on; 0 picks a free one' }),
  allowed_hosts: texts([], 'Host names that the server answers to, besides the loopback ones'),
  token_file: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    default: null,
    description: 'The file that holds the token; `token` in the data folder when null'
  }),
  trust_proxy: Type.Unsafe<boolean | string[]>({
    anyOf: [{ type: 'boolean' }, { type: 'array', items: { type: 'string' } }],
    default: false,
    description: 'Addresses of proxies whose X-Forwarded headers are trusted'
  }),
  private_reads: word(['token', 'open'], 'token',
    'Who may read payloads, results, logs, keys and records on this machine: token holders, or everybody'),
  run_disabled: flag(false, 'Allow runs of disabled tasks on request'),
  docs: flag(true, 'Serve the description of the API')
}, 'The HTTP server')

const Retention = section({
  max_age: {
    ...lasting('every run would be removed as soon as it ends'),
    default: '30d',
    description: 'Finished runs older than this are removed'
  },
  dead_max_age: {
    ...lasting('every failed run would be removed as soon as it ends'),
    default: '90d',
    description: 'Failed runs older than this are removed, regardless of the other limits'
  },
  max_runs: whole(1000, { minimum: 1, description: 'How many finished runs of each task are kept' }),
  every: duration('1h', 'How often finished runs are removed')
}, 'How long finished runs are kept')

const Log = section({
  level: word(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'info',
    'Lines below this level are not written'),
  redact: texts(['password', 'passwd', 'secret', 'token', 'api_key', 'apikey', 'authorization', 'cookie', 'dsn'],
    'A field with one of these words in its name is written as [redacted]')
}, 'The log')

const reason = (description: string) =>
  Type.Unsafe<string | null>({
    anyOf: [{ type: 'string', minLength: 8, maxLength: 300 }, { type: 'null' }],
    default: null,
    description
  })

const Security = section({
  accept_loose_files: reason(
    'Why task files and plugins that others may change are loaded; for config.json itself only the environment says so'
  ),
  accept_root: reason('Why offpeak runs as root; silences the warning')
}, 'Accepted security findings, each with its reason')

/** The sections of the configuration, one entry each. */
const SECTIONS = {
  manager: Manager,
  tasks: Type.Record(Type.String(), SettingsSchema, {
    default: {},
    description: 'Per task id: fields that override its definition, or define it with a command'
  }),
  builtin: Type.Record(Type.String(), OverrideSchema, {
    default: {},
    description: 'Per id of a built-in task: fields that override its definition. Those that are not named are off'
  }),
  engine: Engine,
  server: Server,
  retention: Retention,
  uploads: UploadsSchema,
  log: Log,
  security: Security,
  queues: QueuesSchema,
  ...LIMIT_SECTIONS,
  ...SENSE_SECTIONS,
  services: Type.Record(Type.String(), Type.Unknown(), {
    default: {},
    description: 'Free settings, handed to tasks as ctx.services.config'
  })
}

/** The whole configuration with every default filled in. */
export const ConfigSchema = Type.Object(SECTIONS, { additionalProperties: false })
export type Config = Static<typeof ConfigSchema>

const loose = <F extends TProperties>({ properties, description }: TObject<F> & { description?: string }) =>
  Type.Partial(Type.Object(properties), { additionalProperties: false, description })

/** The schema of config.json: any part of the configuration. */
export const ConfigFileSchema = Type.Partial(Type.Object({
  $schema: Type.String({ description: 'Where editors find this schema' }),
  ...SECTIONS,
  manager: loose(Manager),
  engine: loose(Engine),
  server: loose(Server),
  retention: loose(Retention),
  uploads: loose(UploadsSchema),
  log: loose(Log),
  security: loose(Security),
  scheduling: looseGroups(LIMIT_SECTIONS.scheduling),
  resources: looseGroups(LIMIT_SECTIONS.resources),
  power: looseGroups(LIMIT_SECTIONS.power),
  classification: looseGroups(LIMIT_SECTIONS.classification),
  activity: looseGroups(LIMIT_SECTIONS.activity),
  sense: loose(SENSE_SECTIONS.sense)
}), { title: 'offpeak configuration', additionalProperties: false })
export type ConfigFile = Static<typeof ConfigFileSchema>

function idFaults (value: unknown, within: 'tasks' | 'queues'): Detail[] {
  const named = (value as Partial<Record<typeof within, unknown>> | null)?.[within]
  if (typeof named !== 'object' || named === null) return []
  return Object.keys(named).filter(id => !validId(id)).map(id => ({
    pointer: pointerOf([within, id]),
    detail: `found the ${within === 'tasks' ? 'task' : 'queue'} id ${foundWords(id)}, expected ${
      expectedWords({ type: 'string', pattern: ID_PATTERN })
    }`
  }))
}

/** Every fault of a config.json, or of any part of one. */
export const configFaults = (
  value: unknown
): Detail[] => [...faultsOf(ConfigFileSchema, value), ...idFaults(value, 'tasks'), ...idFaults(value, 'queues'),
  ...limitFaults(value), ...sensingFaults(value)]

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `base` overridden by `over`: objects are merged key by key, everything else is replaced. Neither is changed. */
export function overlay (base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (!isPlain(base) || !isPlain(over)) return over
  const merged: Record<string, unknown> = { ...base }
  // Assigning to the key __proto__ would set the prototype.
  for (const [key, value] of Object.entries(over)) {
    if (key !== '__proto__') {
      merged[key] = Object.hasOwn(base, key)
        ? overlay(base[key], value)
        : value
    }
  }
  return merged
}

/** Freezes a value deeply, except functions, and returns it. */
export function frozen<T> (value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) if (typeof inner === 'object') frozen(inner)
  return value
}

const EMPTY = {
  manager: {},
  tasks: {},
  builtin: {},
  engine: {},
  server: {},
  retention: {},
  uploads: {},
  log: {},
  security: {},
  queues: {},
  ...LIMIT_BASE,
  ...SENSE_BASE,
  services: {}
}

/** The frozen configuration of a valid file: its values, the defaults, and `timezone` when it has none. */
export function configOf (file: ConfigFile, timezone: string): Config {
  const { $schema: _, ...own } = overlay({
    ...EMPTY,
    manager: { timezone },
    scheduling: { ...LIMIT_BASE.scheduling, ...regimesOf(file) }
  }, file) as ConfigFile
  return frozen(Default(ConfigSchema, structuredClone(own)) as Config)
}

/** The configuration of an empty file. */
export const defaultsOf = (timezone = 'UTC'): Config => configOf({}, timezone)
