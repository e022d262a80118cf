import { OffpeakError, show } from './errors.ts'
import type { JsonFault } from '../json/json.ts'

export const runNotFound = (id: string) =>
  new OffpeakError({
    code: 'OFFPEAK_RUN_NOT_FOUND',
    status: 404,
    message: `No run has the id ${show(id)}`,
    fix: 'List the runs with `offpeak runs`.'
  })

/** `wanted`: what it cannot be in this state, optionally with the reason. */
export const runConflict = (
  { id, state, wanted, what = 'Run' }: { id: string, state: string, wanted: string, what?: 'Run' | 'Schedule' }
) =>
  new OffpeakError({
    code: 'OFFPEAK_RUN_CONFLICT',
    status: 409,
    message: `${what} ${id} is ${state}: it cannot be ${wanted}`,
    ...what === 'Run' && { fix: `\`offpeak show ${id}\` shows what happened to it.` }
  })

const FIT = 'Store names, counts and text, and convert other values to one of these.'
const LESS = 'Store a name or a count, and leave the data where it is.'

/** The pointer and the fault: `/items/3/when is a function`. */
const found = ({ pointer, detail }: JsonFault) => `${pointer || 'it'} ${detail}`

/** The thread or process of a task ended before its function. `how`: the message. */
export const workDied = (how: string, cause?: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_WORK_DIED',
    status: 500,
    message: how,
    cause
  })

/** A task in the process of the server called a function that would end that process or change it for all tasks. */
export const processShared = (call: string) =>
  new OffpeakError({
    code: 'OFFPEAK_PROCESS_SHARED',
    status: 500,
    message: `${call} would end or change the process that the task shares with offpeak`,
    fix: "Return, or throw an error, instead; or set isolation: 'process' in the definition of the task."
  })

/** Earlier attempts of a task still wait for a file system that does not answer, so no further one starts. */
export const ioStuck = ({ task, count }: { task: string, count: number }) =>
  new OffpeakError({
    code: 'OFFPEAK_IO_STUCK',
    status: 500,
    message: `a file system does not answer: ${count} calls of earlier attempts of '${task}' have not returned`,
    fix: "Check the mounts it uses; with isolation: 'process' its calls end with it."
  })

const MIB = 2 ** 20

/** `heldBytes`: the measured memory; null when V8 reached its own limit. */
export const outOfMemory = (
  { limitMb, heldBytes = null, cause }: { limitMb: number | null, heldBytes?: number | null, cause?: unknown }
) =>
  new OffpeakError({
    code: 'OFFPEAK_OUT_OF_MEMORY',
    status: 500,
    message: `ran out of memory${limitMb === null ? '' : `: its memory_limit is ${limitMb} MiB`}${
      heldBytes === null ? '' : `, and it held ${Math.ceil(heldBytes / MIB)} MiB`
    }`,
    fix: 'Raise memory_limit, or process less at a time.',
    cause
  })

export const stepInvalid = (name: unknown) =>
  new OffpeakError({
    code: 'OFFPEAK_STEP_INVALID',
    status: 500,
    message: `A step has the name ${show(name)}, expected 1 to 200 characters`
  })

export const stepRepeated = (name: string) =>
  new OffpeakError({
    code: 'OFFPEAK_STEP_REPEATED',
    status: 500,
    message: `Two steps of one run have the name ${show(name)}`,
    fix: 'Give each step its own name.'
  })

/** `bytes`: the size of the results of all steps, this one included. */
export const stepsTooLarge = ({ name, bytes, limit }: { name: string, bytes: string | number, limit: number }) =>
  new OffpeakError({
    code: 'OFFPEAK_STEPS_TOO_LARGE',
    status: 500,
    message: `With the step ${
      show(name)
    } the results of the steps are ${bytes} bytes, and at most ${limit} may be kept`,
    fix: 'Return a name or a count, and leave the data where it is.'
  })

export const stepTooDeep = ({ name, fault }: { name: string, fault: JsonFault }) =>
  new OffpeakError({
    code: 'OFFPEAK_STEP_TOO_DEEP',
    status: 500,
    pointer: fault.pointer,
    message: `The result of the step ${show(name)} cannot be kept: ${found(fault)}`,
    fix: LESS
  })

export const stepNotJson = ({ name, fault }: { name: string, fault: JsonFault }) =>
  new OffpeakError({
    code: 'OFFPEAK_STEP_NOT_JSON',
    status: 500,
    pointer: fault.pointer,
    message: `The result of the step ${show(name)} cannot be kept: ${found(fault)}`,
    fix: FIT
  })

export const checkpointTooLarge = (fault: JsonFault) =>
  new OffpeakError({
    code: 'OFFPEAK_CHECKPOINT_TOO_LARGE',
    status: 500,
    pointer: fault.pointer,
    message: `The checkpoint was not saved: ${found(fault)}`,
    fix: LESS
  })

export const checkpointTooDeep = (fault: JsonFault) =>
  new OffpeakError({
    code: 'OFFPEAK_CHECKPOINT_TOO_DEEP',
    status: 500,
    pointer: fault.pointer,
    message: `The checkpoint was not saved: ${found(fault)}`,
    fix: LESS
  })

export const checkpointNotJson = (fault: JsonFault) =>
  new OffpeakError({
    code: 'OFFPEAK_CHECKPOINT_NOT_JSON',
    status: 500,
    pointer: fault.pointer,
    message: `The checkpoint was not saved: ${found(fault)}`,
    fix: FIT
  })
