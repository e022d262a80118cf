import { below } from '../../execute/path-below.ts'
import { digest } from './digest.ts'
import { deadlineFor } from '../../../model/conditions/relaxation.ts'
import { instantIn } from '../../../model/base/check.ts'
import { inputInvalid } from '../../../model/errors/input-errors.ts'
import { milliseconds } from '../../../model/base/duration.ts'
import { overlay } from '../../../model/config/config.ts'
import { payloadFaults } from './payload-check.ts'
import { checkAsk, payloadJson } from '../../../model/run/payload.ts'
import { taskDisabled, taskUnconfigured } from '../../../model/errors/task-errors.ts'
import { uniqueOf } from '../../../model/task/policy.ts'
import { settingsKey } from '../../../model/task/built-in.ts'
import { boundFaults, boundSettings, unconfigured } from '../../../model/task/payload-bounds.ts'
import type { Duration } from '../../../model/base/duration.ts'
import type { After, NewRun, Priority, Source } from '../../../model/run/run.ts'
import type { Json } from '../../../model/json/json.ts'
import type { UniqueSetting } from '../../../model/task/policy.ts'
import type { Task } from '../../../model/task/task.ts'

/** A request for a run. `due_at` takes precedence over `delay`. A `payload` object is merged over the payload of the
 *  task; any other value replaces it. */
export interface RunAsk {
  payload?: unknown
  delay?: Duration
  /** ISO 8601 with a zone, epoch ms or Date. */
  due_at?: string | number | Date
  priority?: Priority
  key?: string
  /** How long the key is unique, and what happens to a second run; by default the setting of the task. */
  unique?: UniqueSetting
  /** The name of the run in its flow. */
  ref?: string
  /** Prerequisites: ids of runs, or `#ref` for a run of the same flow. */
  after?: (string | { run: string, condition?: After['condition'] })[]
}

/** One run of a bulk request. */
export interface TaskRunAsk extends RunAsk {
  task: string
}

/** `uploads`: the folder of uploaded files; absent for a request of the owner, whose payload is not bounded. */
interface NewRunAsk {
  task: Task
  ask: RunAsk
  source: Source
  now: number
  uploads?: string | undefined
}

/** Checks a request against the task and its `input` schema. Throws OFFPEAK_INPUT_INVALID with every fault. The payload
 *  of a request that a task makes is not bounded, because its code comes from the owner. */
export function newRun ({ task, ask, source, now, uploads }: NewRunAsk): NewRun {
  checkAsk(ask)
  // The payload of the task may contain its settings, so a payload object is merged over it.
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

/** The key of a run, and how long the key is unique. */
function naming (
  task: Task,
  { key, unique = task.unique ?? undefined }: RunAsk,
  payload: unknown
): Pick<NewRun, 'key' | 'unique'> {
  if (unique?.while !== undefined && unique.for !== undefined) {
    throw inputInvalid({
      what: 'The run was not added',
      errors: [{ pointer: '/unique/for', detail: "cannot be combined with 'while'" }]
    })
  }
  const { by = 'key' } = task.unique ?? {}
  if (key !== undefined) return { key, ...unique && { unique: uniqueOf(unique) } }
  // By default equal runs are merged only while the first is unfinished.
  if (by !== 'key') {
    return {
      key: by === 'task' ? 'task' : `payload ${digest(payload)}`,
      unique: uniqueOf({ ...unique?.for === undefined && { while: 'running' }, ...unique })
    }
  }
  if (unique !== undefined && unique !== task.unique) {
    throw inputInvalid({
      what: 'The run was not added',
      errors: [{ pointer: '/unique', detail: "needs a 'key'" }]
    })
  }
  return { key: null }
}

function dueOf ({ due_at: dueAt, delay }: RunAsk, now: number): number {
  if (dueAt === undefined) return now + (delay === undefined ? 0 : milliseconds(delay))
  return instantIn(dueAt, { what: 'The run was not added', pointer: '/due_at' })
}

/** Returns the payload in its stored form. Throws OFFPEAK_INPUT_INVALID when it is too deep, too large, not JSON, or
 *  does not match the schema of the task. */
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

/** Throws OFFPEAK_INPUT_INVALID when a payload exceeds the bounds that the configuration sets for the task. */
export function checkBounds (task: Task, payload: Json, uploads: string): void {
  // The configured payload defines the bounds.
  if (task.input === null || payload === task.payload) return
  const errors = boundFaults({
    settings: settingsKey(task),
    input: task.input,
    configured: task.payload,
    payload,
    uploads,
    below
  })
  if (errors.length > 0) {
    throw inputInvalid({ what: `The payload goes beyond what is configured for task '${task.id}'`, errors })
  }
}

/** A payload that replaces the stored one. Bounded settings that it omits keep their configured values. */
export const replacing = (task: Task, payload: unknown): unknown =>
  overlay(boundSettings(task.input, task.payload), payload)

/** Throws OFFPEAK_TASK_DISABLED or OFFPEAK_TASK_UNCONFIGURED when people may not request runs of a task. */
export function checkAskable (task: Task, { run_disabled: mayRunDisabled }: { run_disabled: boolean }): void {
  if (!task.enabled && !mayRunDisabled) throw taskDisabled(task.id)
  const missing = unconfigured(task.input, task.payload)
  if (missing.length > 0) throw taskUnconfigured(settingsKey(task), missing)
}
