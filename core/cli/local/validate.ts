import { readFile } from 'node:fs/promises'
import type { BrokenFile } from '../../load/task/task-folder.ts'
import type { Catalog } from '../../work/upkeep/catalog.ts'
import type { LocalOptions } from '../remote/options.ts'
import type { Place } from '../../model/errors/errors.ts'
import type { RestingReason } from '../../model/schedule/resting.ts'
import type { Settings } from '../../work/upkeep/settings.ts'
import type { TaskManager } from '../../manager.ts'
import { EX_CONFIG, print, printJson } from '../terminal/output.ts'
import { OffpeakError, onceSaid, placeWords } from '../../model/errors/errors.ts'
import { readDocument } from '../../load/file/jsonc.ts'
import { pointerOf } from '../../model/base/check.ts'
import { managerOptions } from '../remote/options.ts'
import { peekSchedules } from '../../engine/sqlite/file/peek-schedules.ts'
import { taskUnconfigured } from '../../model/errors/task-errors.ts'
import { unconfigured } from '../../model/task/payload-bounds.ts'
import { taskRest } from '../../model/schedule/resting.ts'
import { withTasks } from './offline.ts'

type Fault = Place & { code: string, message: string, fix?: string | undefined }

/** Where each pointer was written, as far as the file can be read. */
async function placesIn (file: string | undefined): Promise<(pointer: string) => Place> {
  try {
    const document = readDocument(await readFile(file!, 'utf8'), file!)
    return pointer => document.placeOf(pointer)
  } catch {
    return () => ({ file })
  }
}

async function faultsOf ({ code, message, fix, place, errors = [] }: OffpeakError): Promise<Fault[]> {
  if (errors.length < 2) return [{ code, message, fix, ...place }]
  const placeOf = await placesIn(place.file)
  return errors.map(({ pointer, detail }) => ({
    ...placeOf(pointer),
    code,
    message: detail,
    ...pointer !== '' && { pointer }
  }))
}

/** Every fault of a task file, each where it was written: what config.json lays upon a task stands there. */
function brokenFaults (
  { errors, file, line, column, code, message, fix, pointer: first }: BrokenFile,
  settings: Settings
): Fault[] {
  const placed = (pointer: string | undefined, at: Place) =>
    pointer?.startsWith('/tasks/') ? settings.placeOf(pointer) ?? { file } : { file, ...at }
  if (errors === undefined) return [{ ...placed(first, { line, column }), pointer: first, code, message, fix }]
  return errors.map(({ pointer, detail, line: own }) => ({
    ...placed(pointer, { line: own }),
    pointer: pointer || undefined,
    code,
    message: detail,
    fix
  }))
}

/** What tasks depend on and no file defines: they would wait for ever. */
function missing ({ tasks, broken }: Catalog, settings: Settings): Fault[] {
  const fix = broken.length > 0
    ? 'It may be in a file that is broken; else correct the id.'
    : 'Correct the id, or put the task file back.'
  return [...tasks.values()].flatMap(({ id, source, depends_on: wanted }) =>
    wanted.flatMap(({ task }, index) => {
      if (tasks.has(task)) return []
      const pointer = pointerOf(['depends_on', index, 'task'])
      const laid = settings.config.tasks[id]?.depends_on === undefined
        ? null
        : settings.placeOf(pointerOf(['tasks', id]) + pointer)
      return [{
        ...laid ?? { file: source, pointer },
        code: 'OFFPEAK_TASK_NOT_FOUND',
        message: `No task has the id '${task}', on which '${id}' depends`,
        fix
      }]
    })
  )
}

/** A task that starts no run by itself: no fault, and seldom meant where it never fires. */
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

/** Tasks that are on and lack a setting without which each of their runs is passed over, or refused: no fault, for they
 *  harm nothing. */
function warningsOf ({ catalog: { tasks }, settings }: TaskManager): Fault[] {
  return [...tasks.values()].filter(({ enabled }) => enabled).flatMap(({ id, input, payload, source }) => {
    const lacks = unconfigured(input, payload)
    if (lacks.length === 0) return []
    const { code, message, fix, place: { pointer } } = taskUnconfigured(id, lacks)
    const written = [pointerOf(['tasks', id, 'payload']), pointerOf(['tasks', id])].map(at => settings.placeOf(at))
      .find(place => place !== null)
    return [{ ...written ?? { file: source }, pointer, code, message, fix }]
  })
}

/** A line for each; those that are started by hand share one. */
function noteLines (notes: readonly Note[]): string[] {
  const { true: byHand = [], false: others = [] } = Object.groupBy(notes,
    ({ code }) => String(code === 'no_trigger') as 'true' | 'false')
  const lines = others.map(({ task, message }) => `${task}: ${message}`)
  return byHand.length === 0
    ? lines
    : [...lines, `${byHand.map(({ task }) => task).join(', ')}: no trigger, started when asked for`]
}

interface Found {
  faults: Fault[]
  warnings: Fault[]
  notes: Note[]
  tasks: number
  code: number
}

async function faultsIn (given: LocalOptions): Promise<Found> {
  try {
    return await withTasks(managerOptions(given), manager => {
      const { catalog, settings } = manager
      const broken = catalog.broken.flatMap(one => brokenFaults(one, settings))
      // A section that breaks its task is told as that.
      const blamed = (id: string) => broken.some(({ pointer }) => pointer?.startsWith(`${pointerOf(['tasks', id])}/`))
      const unknown = Object.keys(settings.config.tasks).filter(id => !catalog.tasks.has(id) && !blamed(id))
      const faults = [
        ...broken,
        ...missing(catalog, settings),
        ...unknown.map(id => ({
          ...settings.placeOf(pointerOf(['tasks', id])),
          code: 'OFFPEAK_TASK_NOT_FOUND',
          message: `No task has the id '${id}'`,
          fix: catalog.broken.length > 0
            ? 'It may be in a file that is broken; else remove the section.'
            : 'Remove the section, or put the task file back.'
        }))
      ]
      return {
        faults,
        warnings: warningsOf(manager),
        notes: notesOf(manager),
        tasks: catalog.tasks.size,
        code: faults.length > 0 ? 1 : 0
      }
    })
  } catch (error) {
    if (error instanceof OffpeakError) {
      return {
        faults: await faultsOf(error),
        warnings: [],
        notes: [],
        tasks: 0,
        code: error.code === 'OFFPEAK_CONFIG_INVALID' ? EX_CONFIG : 1
      }
    }
    throw error
  }
}

export type ValidateOptions = LocalOptions & { json?: boolean }

const lineOf = ({ message, fix, ...place }: Fault): string =>
  `${placeWords(place) || 'configuration'}: ${onceSaid(message, place)}${fix === undefined ? '' : `\n  ${fix}`}`

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

/** Checks configuration and task files; the exit code says what is at fault. */
export async function validate (given: ValidateOptions): Promise<void> {
  const { faults, warnings, notes, tasks, code } = await faultsIn(given)
  process.exitCode = code
  if (given.json) return printJson({ ok: faults.length === 0, tasks, notes, warnings, faults })
  for (const line of noteLines(notes)) print(line)
  for (const warning of warnings) print(`warning: ${lineOf(warning)}`)
  for (const fault of faults) print(lineOf(fault))
  const beside = warnings.length === 0 ? '' : `; ${counted(warnings.length, 'warning')}`
  print(
    faults.length === 0
      ? `The configuration and ${counted(tasks, 'task')} are in order${beside}.`
      : `${counted(faults.length, 'fault')} found${beside}.`
  )
}
