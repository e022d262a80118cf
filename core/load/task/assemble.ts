import type { Config } from '../../model/config/config.ts'
import { overlay } from '../../model/config/config.ts'
import type { Place } from '../../model/errors/errors.ts'
import { OffpeakError } from '../../model/errors/errors.ts'
import { pointerOf } from '../../model/base/check.ts'
import { taskDuplicate, taskFileBroken, taskLimit, taskOwned } from '../../model/errors/task-errors.ts'
import type { ModuleFile } from '../../model/task/isolation.ts'
import { isBuiltIn } from '../../model/task/built-in.ts'
import type { Override, Task } from '../../model/task/task.ts'
import type { ScriptWork } from '../define/read-definition.ts'
import { defineTask } from '../define/define.ts'
import { fileOf } from './source.ts'
import { thrownOf } from '../import/import-fault.ts'

/** One unchecked definition of a file. */
export interface RawDefinition {
  definition: unknown
  pointer: string
  contentHash: string
  script?: ScriptWork | undefined
  /** Set for a definition in config.json: there are no other settings for it. */
  source?: string | undefined
  module?: ModuleFile | undefined
  /** Why it must not be executed, in no version. */
  refusal?: OffpeakError | undefined
  placeOf?: ((pointer: string) => Place) | undefined
}

/** A task file: the definitions of its last good version, and why the version on disk cannot be used. */
export interface TaskSource {
  path: string
  raws: readonly RawDefinition[]
  fault: OffpeakError | null
}

/** A fault of a file; `kept`: an earlier good version of it stays in force. */
export interface FileFault {
  path: string
  error: OffpeakError
  kept: boolean
}

interface Assembled {
  tasks: Map<string, Task>
  faults: FileFault[]
  /** The file of each id, by id: also of ids that none of the tasks has, because their file cannot be read. */
  owners: Map<string, string>
}

interface AssembleAsk {
  /** In the order in which they were loaded. */
  sources: readonly TaskSource[]
  config: Config
  /** The tasks in force so far. */
  previous: ReadonlyMap<string, Task>
  /** The owners of an earlier assembly, maybe one before a restart. */
  remembered?: ReadonlyMap<string, string> | undefined
  /** Files that are still being imported. */
  pending?: readonly string[] | undefined
}

type Made = { config: Config, task: Task }
const made = new WeakMap<RawDefinition, Made>()

function idOf ({ definition }: RawDefinition): string {
  const { value } = attempt(() => (definition as { id?: unknown } | null | undefined)?.id)
  return typeof value === 'string' ? value : ''
}

const own = (settings: Config['tasks'], id: string): Override | undefined =>
  Object.hasOwn(settings, id) ? settings[id] : undefined

/** What the configuration says of a task in a file. A built-in task is on when `builtin` names it, and what `tasks`
 *  says of it applies too. */
function settingsFor (
  id: string,
  { path, config }: { path: string, config: Config }
): { override: Override | undefined, overrideAt?: string } {
  const override = own(config.tasks, id)
  if (!isBuiltIn(path)) return { override }
  const settings = overlay(overlay({ enabled: true }, override), own(config.builtin, id)) as Override
  return { override: settings, overrideAt: pointerOf(['builtin', id]) }
}

/** The task of a definition; one that was made of the same parts before is the same. */
function taskOf (raw: RawDefinition, { path, config }: { path: string, config: Config }): Task {
  const source = raw.source ?? path
  const before = made.get(raw)
  if (before?.config === config && before.task.source === source) return before.task
  const settings = raw.source === undefined ? settingsFor(idOf(raw), { path, config }) : {}
  const task = defineTask({ ...raw, ...settings, config, source })
  made.set(raw, { config, task })
  return task
}

/** True for a file that may still define what it did: it is broken without a good version, below a folder that cannot
 *  be read, or still being imported. */
function isUnknown (path: string, { sources, pending = [] }: AssembleAsk): boolean {
  return pending.includes(path) || sources.some(source =>
    source.fault !== null && source.raws.length === 0 &&
    (source.path === path || source.path === '.' || path.startsWith(`${source.path}/`))
  )
}

/** Who may define an id: the file that did so before, even before a restart, as long as it may still do so. */
function ownersOf (ask: AssembleAsk): Map<string, string> {
  const { sources, previous, remembered = new Map() } = ask
  const owners = new Map<string, string>()
  const rawsOf = new Map(sources.map(({ path, raws }) => [path, raws]))
  for (const [id, path] of remembered) {
    if (rawsOf.get(path)?.some(raw => idOf(raw) === id) || isUnknown(path, ask)) owners.set(id, path)
  }
  for (const { path, raws } of sources) {
    for (const raw of isBuiltIn(path) ? [] : raws) {
      if (fileOf(previous.get(idOf(raw))?.source ?? '') === path) owners.set(idOf(raw), path)
    }
  }
  return owners
}

/** A definition can throw by itself when it is read: a getter, a proxy. */
const asError = (error: unknown): OffpeakError =>
  error instanceof OffpeakError
    ? error
    : taskFileBroken({ message: `A definition throws when it is read: ${thrownOf(error).message}`, cause: error })

const lineOf = ({ placeOf }: RawDefinition): number | undefined => placeOf?.('/id').line

/** The tasks that all files make together, each file's faults beside them: a faulty definition never touches its
 *  neighbours. */
export function assemble (ask: AssembleAsk): Assembled {
  const { sources, config, previous } = ask
  const owners = ownersOf(ask)
  const tasks = new Map<string, Task>()
  const faults: FileFault[] = []
  const add = (task: Task, path: string, raw: RawDefinition) => {
    if (isBuiltIn(path) && tasks.has(task.id)) return
    const first = (fileOf(tasks.get(task.id)?.source ?? '') || owners.get(task.id)) ?? path
    if (first !== path && isUnknown(first, ask)) {
      throw taskOwned({ id: task.id, first, second: path, line: lineOf(raw) })
    }
    if (first !== path || tasks.has(task.id)) {
      throw taskDuplicate({ id: task.id, first, second: path, line: lineOf(raw) })
    }
    if (tasks.size >= config.manager.max_tasks) throw taskLimit(config.manager.max_tasks)
    tasks.set(task.id, task)
  }
  // A definition of the user comes before a built-in one.
  for (const { path, raws, fault } of sources.toSorted((a, b) =>
    Number(isBuiltIn(a.path)) - Number(isBuiltIn(b.path))
  )) {
    if (fault) faults.push({ path, error: fault, kept: raws.length > 0 })
    for (const raw of raws) {
      if (raw.refusal) {
        faults.push({ path, error: raw.refusal, kept: false })
        continue
      }
      const before = previous.get(idOf(raw))
      const last = before && fileOf(before.source) === path ? before : undefined
      const { value, error } = attempt(() => taskOf(raw, { path, config }))
      if (error) faults.push({ path, error, kept: last !== undefined })
      const task = value ?? last
      const added = task && attempt(() => add(task, path, raw))
      if (added?.error) faults.push({ path, error: added.error, kept: false })
    }
  }
  for (const { id, source } of tasks.values()) if (!isBuiltIn(source)) owners.set(id, fileOf(source))
  return { tasks, faults, owners }
}

function attempt<T> (work: () => T): { value?: T, error?: OffpeakError } {
  try {
    return { value: work() }
  } catch (error) {
    return { error: asError(error) }
  }
}
