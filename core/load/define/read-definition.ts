import { Compile } from 'typebox/compile'
import { Check } from 'typebox/value'
import { faultsOf, foundWords } from '../../model/base/check.ts'
import type { Detail, Place } from '../../model/errors/errors.ts'
import { taskInvalid } from '../../model/errors/task-errors.ts'
import type { Json } from '../../model/json/json.ts'
import { looseJson } from '../../model/json/json.ts'
import type { ModuleFile } from '../../model/task/isolation.ts'
import type { Override, TaskDefinition, TaskFunction } from '../../model/task/task.ts'
import { DefinitionSchema, UNSETTABLE_IDS } from '../../model/task/task.ts'
import type { DefinitionConfig } from './holding.ts'

/** A definition without its function. */
export type Data = Omit<TaskDefinition, 'func'>

/** A script: its path, and the interpreter if the system cannot start it directly. */
export interface ScriptWork {
  file: string
  interpreter: string[] | undefined
  /** The folder in which it is started; that of the script when absent. */
  cwd?: string | undefined
}

export interface DefineAsk {
  /** What a task file exports, or the fields of a script's header. */
  definition: unknown
  /** Absent: the definition has its own `func`. */
  script?: ScriptWork | undefined
  /** Absent: the task can run in this thread only. */
  module?: ModuleFile | undefined
  override?: Override | undefined
  /** Where the override is written in config.json; default `/tasks/<id>`. */
  overrideAt?: string | undefined
  /** `probes`: the names that constraints may use; any name when absent. */
  config: DefinitionConfig
  /** Where it was defined, see `Task.source`. */
  source: string
  /** Of the content of the file. */
  contentHash: string
  /** JSON pointer of the definition in its file: `/TASK_DEFINITIONS/0`. */
  pointer: string
  /** The place of a pointer in the file, if known. */
  placeOf?: ((pointer: string) => Place) | undefined
}

const lineOf = ({ line }: Place = {}) => line === undefined ? undefined : { line }

/** Throws OFFPEAK_TASK_INVALID with the places of all faults. */
export function refuse ({ source, pointer, placeOf }: DefineAsk, faults: Detail[]): never {
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

/** Leaves out members that are null or undefined. A trigger or payload of null has a meaning of its own. */
function withoutAbsent (data: Record<string, unknown>): Record<string, unknown> {
  if (!Object.keys(data).some(key => isAbsent(key, data[key]))) return data
  return Object.fromEntries(Object.entries(data).filter(([key, value]) => !isAbsent(key, value)))
}

/** Compiling the schema takes as long as this many checks without it. */
const CHECKS_BEFORE_COMPILE = 20
let checks = 0
let compiled: { Check(value: unknown): boolean } | undefined

function fits (data: unknown): boolean {
  if (compiled === undefined && ++checks > CHECKS_BEFORE_COMPILE) compiled = Compile(DefinitionSchema)
  return compiled?.Check(data) ?? Check(DefinitionSchema, data)
}

/** Fields that are read as plain data where they are used. */
const READ_LATER = new Set(['trigger_args', 'input', 'payload'])

/** Reads lists and objects once as plain data. Refuses values with getters and endless values. */
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

/** Checks a definition against its schema and returns its data and function. Throws OFFPEAK_TASK_INVALID. */
export function readDefinition (ask: DefineAsk): { data: Data, func: TaskFunction | null } {
  const { definition, script } = ask
  if (typeof definition !== 'object' || definition === null || Array.isArray(definition)) {
    return refuse(ask, [{
      pointer: '',
      detail: `found ${foundWords(definition)}, expected a definition { id, func, ... }`
    }])
  }
  const { func, ...rest } = definition as Record<string, unknown>
  const data = withoutAbsent(rest)
  refuseUnread(ask, data)
  const faults = faultsOf(DefinitionSchema, data, fits)
  for (const field of ['id', 'queue']) {
    if (!UNSETTABLE_IDS.includes(String(data[field]))) continue
    faults.push({
      pointer: `/${field}`,
      detail: `found ${foundWords(data[field])}, expected another id: no setting may have it`
    })
  }
  if (!script && typeof func !== 'function') {
    faults.push({ pointer: '/func', detail: `found ${foundWords(func)}, expected a function` })
  }
  if (faults.length > 0) refuse(ask, faults)
  if (data.trigger_args !== undefined) {
    data.trigger_args = { ...looseJson(data.trigger_args).json as Record<string, Json> }
  }
  return { data: data as Data, func: typeof func === 'function' ? func as TaskFunction : null }
}
