import { hash } from 'node:crypto'
import type { TSchema } from 'typebox'
import type { Config } from '../../model/config/config.ts'
import { frozen, overlay } from '../../model/config/config.ts'
import { MINUTE, milliseconds } from '../../model/base/duration.ts'
import type { Json } from '../../model/json/json.ts'
import { looseJson } from '../../model/json/json.ts'
import { DEFAULT_BACKOFF } from '../../model/run/retry.ts'
import type { Override, Task, TaskFunction, Work } from '../../model/task/task.ts'
import { inputFaults, payloadFaults, triggerFaults } from './definition-faults.ts'
import { holdingFaults, holdingOf } from './holding.ts'
import type { DefinitionConfig } from './holding.ts'
import { isolatedWork, isolationFaults, mannersOf, memoryOf } from './isolation.ts'
import { policyFaults, policyOf } from './policy.ts'
import type { Data, DefineAsk } from './read-definition.ts'
import { readDefinition, refuse } from './read-definition.ts'

/** The definition with the override. An override of the trigger replaces its arguments too. */
function overridden (data: Data, override: Override | undefined): Data {
  if (override === undefined) return data
  const base = override.trigger === undefined ? data : { ...data, trigger_args: {} }
  return overlay(base, override) as Data
}

/** Checks what the fields mean. Faults that only the override causes are faults of config.json. */
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
    refuse({ ...ask, source: 'config.json', pointer: ask.overrideAt ?? `/tasks/${own.id}`, placeOf: undefined }, faults)
  }
}

function workOf (data: Data, func: TaskFunction | null, { script, module, pointer, config }: DefineAsk): Work {
  if (!script) return isolatedWork(data, { module, pointer, id: data.id }) ?? { kind: 'function', func: func! }
  const { file, interpreter, cwd } = script
  const codes = { ok: [0], warn: [], retry: [], ...data.exit_codes }
  return {
    kind: 'script',
    file,
    args: data.args ?? [],
    env: data.env ?? {},
    exit_codes: codes,
    ...(interpreter && { interpreter }),
    ...(cwd !== undefined && { cwd }),
    ...(typeof config.security?.accept_loose_files === 'string' && { loose: true }),
    ...memoryOf(data),
    ...mannersOf(data)
  }
}

// Defaults are the same object in every task, which saves memory.
const NOTHING = Object.freeze({})
const NO_TAGS = Object.freeze([] as string[]) as string[]

/** `cleanup_old_logs` as a name: `Cleanup old logs`. */
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

/** Retries of a task that is bounded by `retry_for` alone. */
const MOST_RETRIES = 1000

// The override is not part of the version: switching a task off and on must not invalidate checkpoints.
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

/** Makes a frozen task of a definition, the override in config.json and the defaults.
 *  Throws OFFPEAK_TASK_INVALID with file, pointer and every fault. */
export function defineTask (ask: DefineAsk): Task {
  const { config, source } = ask
  const { data: own, func } = readDefinition(ask)
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
