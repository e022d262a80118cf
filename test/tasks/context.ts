import { Fatal, RetryAfter, Skip, Warned } from '../../core/model/run/outcome.ts'
import { milliseconds } from '../../core/model/base/duration.ts'
import type { Enqueue, TaskContext } from '../../core/model/task/context.ts'
import type { Json } from '../../core/model/json/json.ts'

interface Recorded {
  log: unknown[][]
  progress: { current: number, total: number, unit: string, message: string }
  saved: unknown[]
  added: { task: string, ask: Enqueue | undefined }[]
}

const fakeProgress = (recorded: Recorded): TaskContext['progress'] => ({
  setTotal: (total, unit = '') => Object.assign(recorded.progress, { total, unit }),
  advance: (by = 1) => {
    recorded.progress.current += by
  },
  update: current => {
    recorded.progress.current = current
  },
  setMessage: message => {
    recorded.progress.message = message
  },
  setStage: (_name, total = 0, unit = '') => Object.assign(recorded.progress, { current: 0, total, unit, message: '' })
})

const HINTS: TaskContext['hints'] = {
  batch_size: 32,
  quality: 'high',
  can_parallel: true,
  suspend_non_critical: false,
  cpu_limit: 0.9,
  network_limit: 0.8,
  profile: 'charging'
}

const OUTCOMES: Pick<TaskContext, 'skip' | 'retryAfter' | 'fail' | 'warn'> = {
  skip: reason => {
    throw new Skip(reason)
  },
  retryAfter: (wait, message = 'later') => {
    throw new RetryAfter(milliseconds(wait), message)
  },
  fail: message => {
    throw new Fatal(message)
  },
  warn: (message, result) => new Warned(message, result)
}

const emptyRecord = (): Recorded => ({
  log: [],
  progress: { current: 0, total: 0, unit: '', message: '' },
  saved: [],
  added: []
})

/** A context that records the calls of a task, and an AbortController to stop it. */
export function fakeContext (task: string, payload: object = {}, given: Partial<TaskContext> = {}) {
  const stop = new AbortController()
  const recorded = emptyRecord()
  const line = (...fields: unknown[]) => {
    recorded.log.push(fields)
  }
  const ctx: TaskContext = {
    payload: payload as Json,
    task,
    run_id: '0001a2b3c4d',
    results: {},
    reach: {},
    attempt: 1,
    due_at: '2026-03-10T02:00:00.000Z',
    signal: stop.signal,
    log: { trace: line, debug: line, info: line, warn: line, error: line, fatal: line },
    progress: fakeProgress(recorded),
    checkpoint: {
      changed: false,
      read: async () => (recorded.saved.at(-1) ?? null) as Json,
      save: async state => {
        recorded.saved.push(structuredClone(state))
      }
    },
    step: async (_name, work) => await work(),
    services: {},
    hints: HINTS,
    onHints: () => () => undefined,
    breathe: async () => stop.signal.throwIfAborted(),
    ...OUTCOMES,
    enqueue: async (name, ask) => {
      recorded.added.push({ task: name, ask })
      return 'run'
    },
    ...given
  }
  return { ctx, recorded, stop }
}
