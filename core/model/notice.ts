import type { Failure, OutcomeKind, StopCode } from './run/outcome.ts'
import type { Reading } from './machine/reading.ts'
import type { Reason, Run } from './run/run.ts'
import type { Usage } from './run/usage.ts'

/** Everything that offpeak reports while it runs: the one union for logs, metrics, alerts, streams and tests. */
export type Notice =
  | { kind: 'started', owner: string, tasks: number, recovered: number }
  | { kind: 'stopping', running: number }
  | { kind: 'stopped' }
  | { kind: 'task_added', task: string, source: string }
  | { kind: 'task_changed', task: string, source: string }
  | { kind: 'task_removed', task: string, source: string }
  | { kind: 'file_broken', file: string, message: string, line?: number | undefined }
  | { kind: 'file_mended', file: string }
  | { kind: 'config_loaded', file: string }
  | { kind: 'config_refused', message: string }
  | { kind: 'config_warning', code: string, message: string, fix: string }
  | { kind: 'insecure', subject: string, message: string, fix: string | null }
  | { kind: 'added', run: Run }
  | { kind: 'fired', task: string, schedule: string, added: number, skipped: number, missed: number }
  | { kind: 'missed', task: string, schedule: string, count: number, policy: string, from: number, to: number }
  | { kind: 'claimed', run: Run }
  | { kind: 'held', run: Pick<Run, 'id' | 'task'>, code: string, message: string }
  | { kind: 'released', run: Pick<Run, 'id' | 'task'> }
  | { kind: 'resting', id: string, task: string, code: string, message: string }
  | { kind: 'sampled', reading: Reading }
  | { kind: 'progressed', run: Pick<Run, 'id' | 'task' | 'progress'> }
  | { kind: 'settled', run: Run, outcome: OutcomeKind, ms: number, used?: Usage }
  | { kind: 'stale', id: string, turn: number, outcome: OutcomeKind }
  | { kind: 'cancelled', run: Run, reason: Reason }
  | { kind: 'edited', run: Run, by: string }
  | { kind: 'removed', run: Run, reason: Reason }
  | { kind: 'changed', act: 'cancel' | 'retry' | 'remove' | 'promote', count: number, tasks: Record<string, number>,
    by: string }
  | { kind: 'signalled', id: string, task: string, code: StopCode }
  | { kind: 'begun_anew', id: string, task: string, saved: string | null, version: string }
  | { kind: 'overdue', id: string, task: string, ms: number }
  | { kind: 'late_error', id: string | null, task: string | null, file?: string, count?: number, error: Failure }
  | { kind: 'loop_blocked', ms: number, tasks: string[], runs?: string[], exact?: boolean, where?: string | null }
  | { kind: 'io_stuck', id: string | null, task: string | null, ms: number }
  | { kind: 'clock_jumped', ms: number }
  | { kind: 'swept', removed: number }
  | { kind: 'beat_failed', beat: string, error: Failure }
  | { kind: 'engine_failed', call: string, error: Failure }
  | { kind: 'listener_failed', listener: string, failures: number, error: Failure }
  | { kind: 'schedule_failed', task: string, schedule: string, failures: number, retry_at: number | null,
    error: Failure }
  | { kind: 'schedule_mended', task: string, schedule: string }
  | { kind: 'replanned', schedules: number, ms: number }
  | { kind: 'nothing_started', ms: number, tasks: number, task: string, message: string }
  | { kind: 'recorded', by: string, action: string, subject: string }

export type NoticeKind = Notice['kind']

/** True when another process has taken the store over, so that this one can no longer work. */
export const isTakenOver = (notice: Notice): boolean =>
  notice.kind === 'engine_failed' && notice.error.code === 'OFFPEAK_ENGINE_TAKEN'

/** Called with every notice. A listener that throws or rejects does not affect the others; health and the notice
 *  `listener_failed` name it. */
export type Listener = (notice: Notice) => void | Promise<void>
