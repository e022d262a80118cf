import { DEFAULT_BACKOFF } from '../core/model/run/retry.ts'
import { NO_POLICY } from '../core/model/task/policy.ts'
import { HOUR, MINUTE } from '../core/model/base/duration.ts'
import type { Task } from '../core/model/task/task.ts'

/** A task with ordinary defaults, for tests that look below the loader. */
export const taskOf = (over: Partial<Task> = {}): Task => ({
  id: 'work',
  name: 'Work',
  description: '',
  type: 'general',
  trigger: null,
  trigger_args: {},
  timezone: 'UTC',
  enabled: true,
  run_on_start: false,
  max_retries: 3,
  backoff: DEFAULT_BACKOFF,
  timeoutMs: 5 * MINUTE,
  queue: 'default',
  priority: 'normal',
  tags: [],
  concurrency: Infinity,
  overlap: 'skip',
  misfire: 'run_latest',
  misfireGraceMs: MINUTE,
  max_catch_up: 10,
  payload: null,
  input: null,
  constraints: {},
  deadlineMs: 24 * HOUR,
  on_deadline: 'run',
  on_unmet: 'hold',
  on_lost: 'continue',
  class: null,
  flexMs: 0,
  preemptible: false,
  ...NO_POLICY,
  work: { kind: 'function', func: () => null },
  source: 'code',
  version: 'version',
  ...over
})
