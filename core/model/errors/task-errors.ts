import { OffpeakError, onceSaid, show } from './errors.ts'
import type { Detail, Place } from './errors.ts'

export const taskInvalid = (fault: Place & { message: string, fix?: string, cause?: unknown, errors?: Detail[] }) =>
  new OffpeakError({ ...fault, code: 'OFFPEAK_TASK_INVALID', status: 422 })

export const taskFileBroken = (
  fault: Place & { message: string, fix?: string | undefined, cause?: unknown, errors?: Detail[] | undefined }
) => new OffpeakError({ ...fault, code: 'OFFPEAK_TASK_FILE_BROKEN', status: 422 })

/** `line`: that of the id in the second file, if known. */
interface Twice {
  id: string
  first: string
  second: string
  line?: number | undefined
}

export const taskDuplicate = ({ id, first, second, line }: Twice) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_DUPLICATE',
    status: 409,
    file: second,
    line,
    message: `The task id '${id}' is defined in ${first} and again in ${second}; the first one stays in force`,
    fix: 'Give one of the two another id.'
  })

/** `first` cannot be read at present. */
export const taskOwned = ({ id, first, second, line }: Twice) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_DUPLICATE',
    status: 409,
    file: second,
    line,
    message: `The task id '${id}' belongs to ${first}, which cannot be read at present; ` +
      `its definition in ${second} is not used`,
    fix: `Repair or remove ${first}, or give one of the two another id.`
  })

export const taskLimit = (max: number) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_LIMIT',
    status: 409,
    message: `There are already ${max} tasks, which is manager.max_tasks`,
    fix: 'Raise manager.max_tasks in config.json or remove a task.'
  })

/** A built-in task that the configuration does not name. */
export const taskOff = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_NOT_FOUND',
    status: 404,
    message: `The built-in task ${show(id)} is off`,
    fix: `Turn it on with \`offpeak enable ${id}\`.`
  })

/** `near`: the id of a task that is probably meant. */
export const taskNotFound = (id: string, near: string | null = null) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_NOT_FOUND',
    status: 404,
    message: `No task has the id ${show(id)}`,
    fix: `${near === null ? '' : `Did you mean '${near}'? `}List the tasks with \`offpeak tasks\`.`
  })

/** The definition of a task is known and cannot be used. `message`: its fault. */
export const taskNotLoaded = (
  id: string,
  { message, fix, ...place }: Place & { message: string, fix?: string | undefined }
) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_NOT_FOUND',
    status: 404,
    ...place,
    message: `Task ${show(id)} is not loaded: ${onceSaid(message, place)}`,
    fix: fix ?? 'Correct it: the task is loaded by itself then. All faults: `offpeak validate`.'
  })

export const taskDisabled = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_DISABLED',
    status: 409,
    message: `Task ${show(id)} is disabled and does not run on request`,
    fix: `Enable it with \`offpeak enable ${id}\`, or set server.run_disabled to true in config.json.`
  })

/** `key`: that of its settings, such as `tasks.hello`. `missing`: settings of its payload. */
export const taskUnconfigured = (key: string, missing: readonly string[]) =>
  new OffpeakError({
    code: 'OFFPEAK_TASK_UNCONFIGURED',
    status: 409,
    pointer: `/${key.replace('.', '/')}/payload/${missing[0]}`,
    message: `Task ${show(key.slice(key.indexOf('.') + 1))} is not set up: ${
      missing.map(name => `${key}.payload.${name}`).join(' and ')
    } of config.json ${missing.length > 1 ? 'are' : 'is'} missing`,
    fix: 'Set it in config.json: the payload of a requested run cannot set it.'
  })

/** The task may be defined in one of the files that are still being imported. */
export const taskNotYetKnown = (id: string, files: readonly string[]) =>
  new OffpeakError({
    code: 'OFFPEAK_TASKS_LOADING',
    status: 503,
    retryAfter: 1,
    message: `No task has the id ${show(id)} so far: ${files.slice(0, 3).join(', ')}${
      files.length > 3 ? ` and ${files.length - 3} more` : ''
    } ${files.length === 1 ? 'is' : 'are'} still being imported`,
    fix: 'Ask again in a second. `offpeak health` names files that cannot be imported.'
  })
