import { below } from '../../execute/path-below.ts'
import { digest } from './digest.ts'
import { deadlineFor } from '../../../model/gates/relaxation.ts'
import { instantIn } from '../../../model/base/check.ts'
import { inputInvalid } from '../../../model/errors/input-errors.ts'
import { milliseconds } from '../../../model/base/duration.ts'
import { overlay } from '../../../model/config/config.ts'
import { payloadFaults } from './payload-check.ts'
import { checkAsk, payloadJson } from '../../../model/run/payload.ts'
import { taskDisabled, taskUnconfigured } from '../../../model/errors/task-errors.ts'
import { uniqueOf } from '../../../model/task/policy.ts'
import { boundFaults, boundSettings, unconfigured } from '../../../model/task/payload-bounds.ts'
import type { Duration } from '../../../model/base/duration.ts'
import type { After, NewRun, Priority, Source } from '../../../model/run/run.ts'
import type { Json } from '../../../model/json/json.ts'
import type { UniqueSetting } from '../../../model/task/policy.ts'
import type { Task } from '../../../model/task/task.ts'

/** A run asked for by hand or by a task. `due_at` wins over `delay`; a `payload` object is laid upon the task's, any
 *  other replaces it. */
export interface RunAsk {
  payload?: unknown
  delay?: Duration
  /** ISO 8601 with a zone, epoch ms or Date. */
  due_at?: string | number | Date
  priority?: Priority
  key?: string
  /** How long the key names one run, and what becomes of a second one; that of the task when absent. */
  unique?: UniqueSetting
  /** Its name for others of the same flow. */
  ref?: string
  /** What has to end first: ids of runs, `#ref` for a run of the same flow. */
  after?: (string | { run: string, condition?: After['condition'] })[]
}

/** One of many runs that are asked for in one call. */
export interface TaskRunAsk extends RunAsk {
  task: string
}

/** `uploads`: the folder of files that were sent; without it the payload is that of the owner, who may say
 *  everything. */
interface NewRunAsk {
  task: Task
  ask: RunAsk
  source: Source
  now: number
  uploads?: string | undefined
}

/** Checks what was asked against the task and its `input` schema; throws OFFPEAK_INPUT_INVALID with every fault. What a
 *  task asks for comes from a file and is as free as that. */
export function newRun ({ task, ask, source, now, uploads }: NewRunAsk): NewRun {
  checkAsk(ask)
  // A payload object is laid upon the task's own, which may hold its settings.
  const payload = overlay(task.payload, ask.payload === undefined ? undefined : payloadJson(task.id, ask.payload))
  const due = dueOf(ask, now)
  const stored = checkedPayload(task, payload)
  if (uploads !== undefined && source !== 'task') checkBounds(task, stored, uploads)
  return {
    task: task.id,
    queue: task.queue,
    priority: ask.priority ?? task.priority,
    source,
    due_at: due,
    ...deadlineFor(task, due, now),
    max_retries: task.max_retries,
    payload: stored,
    ...naming(task, ask, payload),
    ...ask.ref !== undefined && { ref: ask.ref },
    ...ask.after !== undefined && { after: ask.after.map(prerequisite) }
  }
}

const prerequisite = (wanted: NonNullable<RunAsk['after']>[number]): After =>
  typeof wanted === 'string'
    ? { run: wanted, condition: 'completed' }
    : { run: wanted.run, condition: wanted.condition ?? 'completed' }

/** What a run is one and the same by, and for how long. */
function naming (
  task: Task,
  { key, unique = task.unique ?? undefined }: RunAsk,
  payload: unknown
): Pick<NewRun, 'key' | 'unique'> {
  if (unique?.while !== undefined && unique.for !== undefined) {
    throw inputInvalid({
      what: 'The run was not added',
      errors: [{ pointer: '/unique/for', detail: "goes with no 'while': say one of the two" }]
    })
  }
  const { by = 'key' } = task.unique ?? {}
  if (key !== undefined) return { key, ...unique && { unique: uniqueOf(unique) } }
  // Without a word on how long, what is alike is one while it is under way, not for ever.
  if (by !== 'key') {
    return {
      key: by === 'task' ? 'task' : `payload ${digest(payload)}`,
      unique: uniqueOf({ ...unique?.for === undefined && { while: 'running' }, ...unique })
    }
  }
  if (unique !== undefined && unique !== task.unique) {
    throw inputInvalid({
      what: 'The run was not added',
      errors: [{ pointer: '/unique', detail: "goes with a 'key': what is it that is to be unique?" }]
    })
  }
  return { key: null }
}

function dueOf ({ due_at: dueAt, delay }: RunAsk, now: number): number {
  if (dueAt === undefined) return now + (delay === undefined ? 0 : milliseconds(delay))
  return instantIn(dueAt, { what: 'The run was not added', pointer: '/due_at' })
}

/** The payload as it is stored; throws OFFPEAK_INPUT_INVALID when it is too deep, too large, not JSON or not what the
 *  task takes. */
export function checkedPayload (task: Task, given: unknown): Json {
  const payload = payloadJson(task.id, given)
  if (task.input === null) return payload
  const faults = payloadFaults(task, task.input, payload)
  if (faults.length === 0) return payload
  throw inputInvalid({
    what: `The payload does not fit task '${task.id}'`,
    errors: faults.map(({ pointer, detail }) => ({ pointer: `/payload${pointer}`, detail }))
  })
}

/** Throws OFFPEAK_INPUT_INVALID for a payload that reaches further than the configuration of the task. */
export function checkBounds (task: Task, payload: Json, uploads: string): void {
  // What the task itself says is within its own bounds.
  if (task.input === null || payload === task.payload) return
  const errors = boundFaults({ task: task.id, input: task.input, configured: task.payload, payload, uploads, below })
  if (errors.length > 0) {
    throw inputInvalid({ what: `The payload goes beyond what is configured for task '${task.id}'`, errors })
  }
}

/** The payload that takes the place of another one: what the configuration bounds and it leaves out stays as it is
 *  configured. */
export const replacing = (task: Task, payload: unknown): unknown =>
  overlay(boundSettings(task.input, task.payload), payload)

/** Whether people may ask for a run of a task; throws OFFPEAK_TASK_DISABLED, OFFPEAK_TASK_UNCONFIGURED. */
export function checkAskable (task: Task, { run_disabled: isFree }: { run_disabled: boolean }): void {
  if (!task.enabled && !isFree) throw taskDisabled(task.id)
  const missing = unconfigured(task.input, task.payload)
  if (missing.length > 0) throw taskUnconfigured(task.id, missing)
}
