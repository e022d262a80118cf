import { Compile } from 'typebox/compile'
import { faultsOf } from '../model/check.ts'
import { RESULT_LIMITS, depthOf, storable } from '../model/json.ts'
import { inputInvalid } from '../model/errors.ts'
import { milliseconds } from '../model/duration.ts'
import { overlay } from '../model/config.ts'
import type { Duration } from '../model/duration.ts'
import type { NewRun, Priority, Source } from '../model/run.ts'
import type { Task } from '../model/task.ts'

/** A run asked for by hand or by a task. `due_at` wins over `delay`; a `payload` object is laid upon the task's, any other replaces it. */
export interface RunAsk {
  payload?: unknown
  delay?: Duration
  /** ISO instant, epoch ms or Date. */
  due_at?: string | number | Date
  priority?: Priority
  key?: string
}

type Check = ReturnType<typeof Compile>
const checks = new WeakMap<Task, Check>()

/** Checks what was asked against the task and its `input` schema; throws OFFPEAK_INPUT_INVALID with every fault. */
export function newRun ({ task, ask, source, now }: { task: Task, ask: RunAsk, source: Source, now: number }): NewRun {
  // A payload object is laid upon the task's own, which may hold its settings.
  const payload = overlay(task.payload, ask.payload)
  const due = instantOf(ask, now)
  checkPayload(task, payload)
  return {
    task: task.id,
    queue: task.queue,
    priority: ask.priority ?? task.priority,
    source,
    key: ask.key ?? null,
    due_at: due,
    deadline_at: Math.max(due, now) + task.deadlineMs,
    max_retries: task.max_retries,
    payload: storable(payload)
  }
}

function instantOf ({ due_at: dueAt, delay }: RunAsk, now: number): number {
  if (dueAt === undefined) return now + (delay === undefined ? 0 : milliseconds(delay))
  const at = new Date(dueAt).getTime()
  if (Number.isNaN(at)) throw inputInvalid({ what: 'The run was not added', errors: [{ pointer: '/due_at', detail: `'${String(dueAt)}' is not an instant: expected ISO 8601 such as 2026-11-22T03:00:00Z` }] })
  return at
}

function checkPayload (task: Task, payload: unknown): void {
  const what = `The payload does not fit task '${task.id}'`
  if (depthOf(payload, RESULT_LIMITS.depth) > RESULT_LIMITS.depth) {
    throw inputInvalid({ what, errors: [{ pointer: '/payload', detail: `is nested deeper than ${RESULT_LIMITS.depth} levels` }] })
  }
  const bytes = Buffer.byteLength(JSON.stringify(payload) ?? '')
  if (bytes > RESULT_LIMITS.bytes) {
    throw inputInvalid({ what, errors: [{ pointer: '/payload', detail: `is ${bytes} bytes, and at most ${RESULT_LIMITS.bytes} may be stored` }] })
  }
  if (task.input === null) return
  const check = checks.get(task) ?? Compile(task.input)
  checks.set(task, check)
  if (check.Check(payload)) return
  throw inputInvalid({ what, errors: faultsOf(task.input, payload).map(({ pointer, detail }) => ({ pointer: `/payload${pointer}`, detail })) })
}
