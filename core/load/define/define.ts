import { hash } from 'node:crypto'
import { Compile } from 'typebox/compile'
import { Check } from 'typebox/value'
import type { TSchema } from 'typebox'
import { within } from './within.ts'
import { faultsOf, foundWords, pathOf } from '../../model/base/check.ts'
import type { Config } from '../../model/config/config.ts'
import { frozen, overlay } from '../../model/config/config.ts'
import { MINUTE, milliseconds } from '../../model/base/duration.ts'
import type { Detail, Place } from '../../model/errors/errors.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { taskInvalid } from '../../model/errors/task-errors.ts'
import { holdingFaults, holdingOf } from './holding.ts'
import type { DefinitionConfig } from './holding.ts'
import { isolatedWork, isolationFaults, mannersOf, memoryOf } from './isolation.ts'
import type { ModuleFile } from '../../model/task/isolation.ts'
import { policyFaults, policyOf } from './policy.ts'
import type { Json } from '../../model/json/json.ts'
import { looseJson, strictJson } from '../../model/json/json.ts'
import { payloadFault } from '../../model/run/payload.ts'
import { DEFAULT_BACKOFF } from '../../model/run/retry.ts'
import type { Override, Task, TaskDefinition, TaskFunction, Work } from '../../model/task/task.ts'
import { DefinitionSchema } from '../../model/task/task.ts'
import { boundWordFaults } from '../../model/task/bound-schema.ts'
import { compileTrigger } from '../../model/trigger.ts'

type Data = Omit<TaskDefinition, 'func'>

/** A script as a definition names it: its path and, when the system does not start it by itself, the words before
 *  it. */
export interface ScriptWork {
  file: string
  interpreter: string[] | undefined
}

export interface DefineAsk {
  /** What a task file exports, or the fields of a script's header. */
  definition: unknown
  /** Absent: the definition brings its own `func`. */
  script?: ScriptWork | undefined
  /** Absent: it can be executed in this thread alone. */
  module?: ModuleFile | undefined
  override?: Override | undefined
  /** `probes`: the names that constraints may use; any when absent. */
  config: DefinitionConfig
  /** Where it was defined, see `Task.source`. */
  source: string
  /** Of the content of the file. */
  contentHash: string
  /** JSON pointer of the definition in its file: `/TASK_DEFINITIONS/0`. */
  pointer: string
  /** Where a pointer stands in the file, as far as it is known. */
  placeOf?: ((pointer: string) => Place) | undefined
}

const lineOf = ({ line }: Place = {}) => line === undefined ? undefined : { line }

function refuse ({ source, pointer, placeOf }: DefineAsk, faults: Detail[]): never {
  const errors = faults.map((fault): Detail => ({
    ...lineOf(placeOf?.(fault.pointer)),
    ...fault,
    pointer: pointer + fault.pointer
  }))
  const first = errors[0]!
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  throw taskInvalid({
    file: source,
    ...placeOf?.(faults[0]!.pointer),
    pointer: first.pointer,
    message: `${[first.pointer, first.detail].filter(Boolean).join(' ')}${more}`,
    errors
  })
}

const isAbsent = (key: string, value: unknown): boolean =>
  value === undefined || (value === null && key !== 'trigger' && key !== 'payload')

/** What is null or undefined is not given; a trigger of null is a word of its own. */
function given (data: Record<string, unknown>): Record<string, unknown> {
  if (!Object.keys(data).some(key => isAbsent(key, data[key]))) return data
  return Object.fromEntries(Object.entries(data).filter(([key, value]) => !isAbsent(key, value)))
}

/** Compiling the schema takes as long as so many first checks. */
const OFTEN = 20
let checks = 0
let compiled: { Check(value: unknown): boolean } | undefined

function fits (data: unknown): boolean {
  if (compiled === undefined && ++checks > OFTEN) compiled = Compile(DefinitionSchema)
  return compiled?.Check(data) ?? Check(DefinitionSchema, data)
}

/** Fields that are made plain where they are used. */
const READ_LATER = new Set(['trigger_args', 'input', 'payload'])

/** Takes what is a list or an object as plain data once: what answers otherwise the next time, or without an end, does
 *  so to nobody. */
function refuseUnread (ask: DefineAsk, data: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== 'object' || value === null || READ_LATER.has(key)) continue
    const { json, faults: [fault] } = looseJson(value)
    if (fault?.kind === 'unreadable' || fault?.kind === 'bytes') {
      refuse(ask, [{ pointer: `/${key}${fault.pointer}`, detail: fault.detail }])
    }
    if (fault === undefined) data[key] = json
  }
}

function checked (ask: DefineAsk): { data: Data, func: TaskFunction | null } {
  const { definition, script } = ask
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) {
    return refuse(ask, [{
      pointer: '',
      detail: `found ${foundWords(definition)}, expected a definition { id, func, ... }`
    }])
  }
  const { func, ...rest } = definition as Record<string, unknown>
  const data = given(rest)
  refuseUnread(ask, data)
  const faults = faultsOf(DefinitionSchema, data, fits)
  if (!script && typeof func !== 'function') {
    faults.push({ pointer: '/func', detail: `found ${foundWords(func)}, expected a function` })
  }
  if (faults.length > 0) refuse(ask, faults)
  if (data.trigger_args !== undefined) data.trigger_args = plain(data.trigger_args)
  return { data: data as Data, func: typeof func === 'function' ? func as TaskFunction : null }
}

/** A trigger and its arguments are one: whoever names another trigger names its arguments too. */
function overridden (data: Data, override: Override | undefined): Data {
  if (override === undefined) return data
  const base = override.trigger === undefined ? data : { ...data, trigger_args: {} }
  return overlay(base, override) as Data
}

function triggerFaults ({ trigger, trigger_args: args = {}, timezone }: Data, zone: string): Detail[] {
  if (trigger === undefined || trigger === null) return []
  try {
    compileTrigger({ trigger, trigger_args: args, timezone: timezone ?? zone }, 0)
    return []
  } catch (error) {
    if (!(error instanceof OffpeakError)) throw error
    const { place: { pointer = '/trigger' }, message } = error
    // The pointer names the field already, but for one of a crontab string.
    const named = pathOf(pointer).find(step => message.startsWith(`${step}: `))
    return [{ pointer, detail: named === undefined ? message : message.slice(named.length + 2) }]
  }
}

const plain = (value: unknown) => ({ ...looseJson(value).json as Record<string, Json> })

const SCHEMA_MS = 500

const WORDS = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']

function schemaFaults (input: Record<string, unknown>, pointer: string): Detail[] {
  const wrong = [input.type ?? []].flat().filter(type => !WORDS.includes(String(type)))
  if (wrong.length > 0) {
    return [{
      pointer: `${pointer}/type`,
      detail: `found ${foundWords(wrong[0])}, expected one of ${WORDS.join(', ')}`
    }]
  }
  const properties = typeof input.properties === 'object' && input.properties !== null
    ? Object.entries(input.properties)
    : []
  return properties.flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null
      ? schemaFaults(inner as Record<string, unknown>, `${pointer}/properties/${key}`)
      : []
  )
}

function inputFaults (input: TSchema | undefined): Detail[] {
  if (input === undefined) return []
  try {
    const copy = JSON.parse(JSON.stringify(input)) as Record<string, unknown>
    // What takes as long with nothing in it would take longer with anything.
    if (!within(SCHEMA_MS, () => Compile(copy as TSchema).Check({})).isDone) {
      return [{ pointer: '/input', detail: `cannot be compiled within ${SCHEMA_MS} ms: expected a smaller schema` }]
    }
    return [...boundWordFaults(copy, '/input'), ...schemaFaults(copy, '/input')]
  } catch (error) {
    return [{
      pointer: '/input',
      detail: `is no JSON schema: ${error instanceof Error ? error.message : String(error)}`
    }]
  }
}

function payloadFaults (payload: unknown): Detail[] {
  if (payload === undefined) return []
  const { fault } = strictJson(payload)
  return fault === null ? [] : [payloadFault(fault)]
}

/** Who is to blame: config.json when the definition by itself is right. */
function checkMeaning (ask: DefineAsk, { own, data }: { own: Data, data: Data }): void {
  const faultsIn = (
    one: Data
  ) => [...triggerFaults(one, ask.config.manager.timezone), ...inputFaults(one.input), ...payloadFaults(one.payload),
    ...holdingFaults(one, ask.config), ...policyFaults(one),
    ...isolationFaults(one, { script: ask.script, module: ask.module })]
  const ownFaults = faultsIn(own)
  if (ownFaults.length > 0) refuse(ask, ownFaults)
  if (ask.override === undefined) return
  const faults = faultsIn(data)
  if (faults.length > 0) {
    refuse({ ...ask, source: 'config.json', pointer: `/tasks/${own.id}`, placeOf: undefined }, faults)
  }
}

function workOf (data: Data, func: TaskFunction | null, { script, module, pointer }: DefineAsk): Work {
  if (!script) return isolatedWork(data, { module, pointer, id: data.id }) ?? { kind: 'function', func: func! }
  const { file, interpreter } = script
  const codes = { ok: [0], warn: [], retry: [], ...data.exit_codes }
  return {
    kind: 'script',
    file,
    args: data.args ?? [],
    env: data.env ?? {},
    exit_codes: codes,
    ...(interpreter && { interpreter }),
    ...memoryOf(data),
    ...mannersOf(data)
  }
}

// What says nothing is the same object in every task.
const NOTHING = Object.freeze({})
const NO_TAGS = Object.freeze([] as string[]) as string[]

/** `cleanup_old_logs` as people read it: `Cleanup old logs`. */
const nameOf = (id: string) => {
  const words = id.replaceAll(/[._-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function timesOf (data: Data, manager: Config['manager']) {
  const overlap = data.overlap ?? 'skip'
  return {
    trigger: data.trigger ?? null,
    trigger_args: (data.trigger_args ?? NOTHING) as Record<string, Json>,
    timezone: data.timezone ?? manager.timezone,
    timeoutMs: milliseconds(data.timeout ?? manager.task_timeout),
    overlap,
    misfire: data.misfire ?? 'run_latest',
    misfireGraceMs: data.misfire_grace === undefined ? MINUTE : milliseconds(data.misfire_grace),
    max_catch_up: data.max_catch_up ?? 10,
    concurrency: data.concurrency ?? (data.trigger && overlap !== 'allow' ? 1 : Infinity)
  } as const
}

const priorityOf = (type: string | undefined, { task_priorities: priorities }: DefineAsk['config']) =>
  type !== undefined && Object.hasOwn(priorities, type) ? priorities[type]! : 'normal'

/** Who says for how long to try means as often as that takes. */
const MOST_RETRIES = 1000

// What config.json lays upon a definition is left out: to switch a task off and on must not cost a run its checkpoint.
const versionOf = (id: string, func: TaskFunction | null, { contentHash }: DefineAsk) =>
  hash('sha256', JSON.stringify([id, contentHash || String(func)]), 'base64url')

const payloadOf = (data: Data) => ({
  payload: data.payload === undefined ? null : looseJson(data.payload).json,
  input: data.input === undefined ? null : JSON.parse(JSON.stringify(data.input)) as TSchema
})

function factsOf (data: Data, id: string, config: DefinitionConfig) {
  return {
    id,
    name: data.name ?? nameOf(id),
    description: data.description ?? '',
    type: data.type ?? '',
    ...timesOf(data, config.manager),
    enabled: data.enabled ?? true,
    run_on_start: data.run_on_start ?? false,
    max_retries: data.max_retries ?? (data.retry_for === undefined ? config.manager.max_task_retries : MOST_RETRIES),
    backoff: data.backoff === undefined
      ? DEFAULT_BACKOFF
      : { ...DEFAULT_BACKOFF, ...data.backoff.list && { kind: 'list' as const, jitter: 0 }, ...data.backoff },
    queue: data.queue ?? 'default',
    priority: data.priority ?? priorityOf(data.type, config),
    tags: data.tags === undefined ? NO_TAGS : [...data.tags],
    ...holdingOf(data, config),
    ...policyOf(data)
  }
}

/** The task that a definition, the override of config.json and the defaults make together, frozen.
 *  Throws OFFPEAK_TASK_INVALID with file, pointer and every fault. */
export function defineTask (ask: DefineAsk): Task {
  const { config, source } = ask
  const { data: own, func } = checked(ask)
  const data = overridden(own, ask.override)
  checkMeaning(ask, { own, data })
  return frozen({
    ...factsOf(data, own.id, config),
    ...payloadOf(data),
    work: workOf(data, func, ask),
    source,
    version: versionOf(own.id, func, ask)
  })
}
