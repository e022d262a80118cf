import { counted } from '../../model/json/text.ts'
import { dirname } from 'node:path'
import type { BrokenFile } from '../../load/task/broken-file.ts'
import type { Catalog } from '../../work/upkeep/catalog.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { Place } from '../../model/errors/errors.ts'
import type { RestingReason } from '../../model/schedule/resting.ts'
import type { Settings } from '../../work/upkeep/settings.ts'
import type { TaskManager } from '../../manager.ts'
import { EX_CONFIG, print, printJson } from '../terminal/output.ts'
import { OffpeakError, onceSaid, placeWords } from '../../model/errors/errors.ts'
import { readBytes } from '../../load/config/config.ts'
import { missingProgram } from '../../load/file/missing-program.ts'
import { readDocument } from '../../load/file/jsonc.ts'
import { pointerOf } from '../../model/base/check.ts'
import { homeOnly } from './home.ts'
import { peekSchedules } from '../../engine/sqlite/file/peek-schedules.ts'
import { sectionOf, settingsKey } from '../../model/task/built-in.ts'
import { taskUnconfigured } from '../../model/errors/task-errors.ts'
import { unconfigured } from '../../model/task/payload-bounds.ts'
import { taskRest } from '../../model/schedule/resting.ts'
import { ignoredFiles } from './ignored-files.ts'
import { withTasks } from './offline.ts'

export type Fault = Place & { code: string, message: string, fix?: string | undefined }

/** The place of each pointer, if the file can be read. */
async function placesIn (file: string | undefined): Promise<(pointer: string) => Place> {
  try {
    const document = readDocument(String(await readBytes(file!) ?? ''), file!)
    return pointer => document.placeOf(pointer)
  } catch {
    return () => ({ file })
  }
}

/** Every fault of an error with its place. */
export async function faultsOf ({ code, message, fix, place, errors = [] }: OffpeakError): Promise<Fault[]> {
  if (errors.length < 2) return [{ code, message, fix, ...place }]
  const placeOf = await placesIn(place.file)
  return errors.map(({ pointer, detail }) => ({
    ...placeOf(pointer),
    code,
    message: detail,
    ...pointer !== '' && { pointer }
  }))
}

/** Every fault of a task file with its place: faults of an override are in config.json. */
function brokenFaults (
  { errors, file, line, column, code, message, fix, pointer: first }: BrokenFile,
  settings: Settings
): Fault[] {
  const placed = (pointer: string | undefined, at: Place) =>
    /^\/(tasks|builtin)\//.test(pointer ?? '') ? settings.placeOf(pointer!) ?? { file } : { file, ...at }
  if (errors === undefined) return [{ ...placed(first, { line, column }), pointer: first, code, message, fix }]
  return errors.map(({ pointer, detail, line: own }) => ({
    ...placed(pointer, { line: own }),
    pointer: pointer || undefined,
    code,
    message: detail,
    fix
  }))
}

/** Dependencies on tasks that no file defines: their runs would wait for ever. */
function missing ({ tasks, broken }: Catalog, settings: Settings): Fault[] {
  const fix = broken.length > 0
    ? 'It may be in a broken file; otherwise correct the id.'
    : 'Correct the id, or restore the task file.'
  return [...tasks.values()].flatMap(({ id, source, depends_on: wanted }) =>
    wanted.flatMap(({ task }, index) => {
      if (tasks.has(task)) return []
      const pointer = pointerOf(['depends_on', index, 'task'])
      const section = sectionOf(source)
      const laid = settings.config[section][id]?.depends_on === undefined
        ? null
        : settings.placeOf(pointerOf([section, id]) + pointer)
      return [{
        ...laid ?? { file: source, pointer },
        code: 'OFFPEAK_TASK_NOT_FOUND',
        message: `No task has the id '${task}', on which '${id}' depends`,
        fix
      }]
    })
  )
}

/** A task that starts no run by itself. That is not a fault, but rarely intended if it never fires. */
interface Note extends RestingReason {
  task: string
  file: string
}

function notesOf ({ catalog: { tasks }, folder, clock }: TaskManager): Note[] {
  const schedules = Map.groupBy(peekSchedules(folder), ({ task }) => task)
  return [...tasks.values()].flatMap(task => {
    const rest = taskRest({ task, schedules: schedules.get(task.id) ?? [], now: clock.now() })
    return rest === null ? [] : [{ task: task.id, file: task.source, ...rest }]
  }).toSorted((a, b) => a.task < b.task ? -1 : 1)
}

/** Enabled tasks without a setting that their runs need: each run is skipped or refused. */
function warningsOf ({ catalog: { tasks }, settings }: TaskManager): Fault[] {
  return [...tasks.values()].filter(({ enabled }) => enabled).flatMap(({ id, input, payload, source }) => {
    const lacks = unconfigured(input, payload)
    if (lacks.length === 0) return []
    const { code, message, fix, place: { pointer } } = taskUnconfigured(settingsKey({ id, source }), lacks)
    const at = pointerOf([sectionOf(source), id])
    const written = settings.placeOf(`${at}/payload`) ?? settings.placeOf(at)
    return [{ ...written ?? { file: source }, pointer, code, message, fix }]
  })
}

/** Enabled tasks whose program or interpreter is missing: each run fails. */
async function unstartable ({ catalog: { tasks }, settings }: TaskManager): Promise<Fault[]> {
  const all = await Promise.all([...tasks.values()].map(async ({ id, enabled, source, work }) => {
    if (!enabled || work.kind !== 'script') return []
    const { interpreter, file, cwd = dirname(file), env } = work
    const message = await missingProgram({ interpreter, file, cwd, path: env.PATH })
    if (message === null) return []
    const place = settings.placeOf(pointerOf(['tasks', id, 'command']))
    return [{
      ...place ?? { file: source },
      code: 'program_missing',
      message: `The runs of '${id}' will fail: ${message}`,
      fix: 'Install it, or correct its name or path. A server looks in the PATH of its own environment.'
    }]
  }))
  return all.flat()
}

/** What tasks that start no run by themselves have in common, for the reasons that need no line for each task. */
const SHARED: Partial<Record<Note['code'], string>> = {
  no_trigger: 'no trigger, runs on request',
  task_disabled: 'disabled'
}

/** One line per task; tasks without a trigger share one, as do disabled ones. */
function noteLines (notes: readonly Note[]): string[] {
  const lines = notes.filter(({ code }) => SHARED[code] === undefined).map(({ task, message }) => `${task}: ${message}`)
  const shared = Object.entries(SHARED).flatMap(([code, words]) => {
    const tasks = notes.filter(note => note.code === code).map(({ task }) => task)
    return tasks.length === 0 ? [] : [`${tasks.join(', ')}: ${words}`]
  })
  return [...lines, ...shared]
}

export interface Found {
  faults: Fault[]
  warnings: Fault[]
  notes: Note[]
  tasks: number
  code: number
}

/** Sections of config.json for tasks that do not exist are faults, other settings without effect are warnings. */
function withoutEffect (manager: TaskManager, broken: readonly Fault[]): { unknown: Fault[], idle: Fault[] } {
  // A section that breaks its task is reported as a fault of the task.
  const isBroken = (section = '') => broken.some(({ pointer }) => pointer?.startsWith(`${section}/`))
  const unknown = manager.warnings.filter(({ code, pointer }) => code === 'unknown_task' && !isBroken(pointer))
  return {
    unknown: unknown.map(one => ({ ...one, code: 'OFFPEAK_TASK_NOT_FOUND' })),
    idle: manager.warnings.filter(({ code }) => code === 'builtin_replaced' || code === 'no_effect')
  }
}

/** The faults, warnings and notes about the tasks of a manager. */
export async function foundIn (manager: TaskManager): Promise<Found> {
  const { catalog, settings } = manager
  const broken = catalog.broken.flatMap(one => brokenFaults(one, settings))
  const { unknown, idle } = withoutEffect(manager, broken)
  const faults = [...broken, ...missing(catalog, settings), ...unknown]
  return {
    faults,
    warnings: [...warningsOf(manager), ...await unstartable(manager), ...idle],
    notes: notesOf(manager),
    tasks: catalog.tasks.size,
    code: faults.length > 0 ? 1 : 0
  }
}

/** Files that are not read although they look like tasks, such as a script with a misspelt header. */
async function unread ({ catalog: { directories } }: TaskManager): Promise<Fault[]> {
  const all = await Promise.all(directories.map(ignoredFiles))
  return all.flat().filter(({ meant }) => !meant).map(({ path, message, fix }) => ({
    file: path,
    code: 'file_ignored',
    message: `it is not a task: ${message}`,
    fix
  }))
}

async function faultsIn (given: LocalOptions): Promise<Found> {
  try {
    return await withTasks(homeOnly(given), async manager => {
      const found = await foundIn(manager)
      const overlay = manager.warnings.filter(({ code }) => code === 'no_overlay')
      return { ...found, warnings: [...found.warnings, ...overlay, ...await unread(manager)] }
    })
  } catch (error) {
    if (!(error instanceof OffpeakError)) throw error
    return {
      faults: await faultsOf(error),
      warnings: [],
      notes: [],
      tasks: 0,
      code: error.code === 'OFFPEAK_CONFIG_INVALID' ? EX_CONFIG : 1
    }
  }
}

export type ValidateOptions = LocalOptions & { json?: boolean }

const lineOf = ({ message, fix, ...place }: Fault): string =>
  `${placeWords(place) || 'configuration'}: ${onceSaid(message, place)}${fix === undefined ? '' : `\n  ${fix}`}`

/** Checks configuration and task files, prints the faults and sets the exit code. */
export async function validate (given: ValidateOptions): Promise<void> {
  const { faults, warnings, notes, tasks, code } = await faultsIn(given)
  process.exitCode = code
  if (given.json) return printJson({ ok: faults.length === 0, tasks, notes, warnings, faults })
  for (const fault of faults) print(lineOf(fault))
  for (const warning of warnings) print(`warning: ${lineOf(warning)}`)
  for (const line of noteLines(notes)) print(line)
  const beside = warnings.length === 0 ? '' : `; ${counted(warnings.length, 'warning')}`
  print(
    faults.length === 0
      ? `The configuration and ${counted(tasks, 'task')} are valid${beside}.`
      : `${counted(faults.length, 'fault')} found${beside}.`
  )
}
