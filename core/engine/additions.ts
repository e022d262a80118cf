import type { Run } from '../model/run/run.ts'
import type { AuditNote } from './reports.ts'

/** The maximum number of waiting runs in a queue, including blocked ones, and the action when it is full. */
export interface QueueBound {
  max: number
  on_full: 'refuse' | 'drop_oldest'
}

/** A request with an idempotency key. The digest of its content is stored as the fact `name`. */
export interface KeyedRequest {
  key: string
  name: string
  digest: string
}

/** `bounds`: by queue. When a queue is full, the whole call is refused with OFFPEAK_QUEUE_FULL, or the oldest waiting
 *  runs are skipped (`queue_full`). `request`: the call is refused with OFFPEAK_IDEMPOTENCY_CONFLICT when the key was
 *  used for a request with another digest. */
export interface AddOptions {
  bounds?: Record<string, QueueBound>
  record?: AuditNote
  request?: KeyedRequest
}

/** `created` false: a run with the same task and key exists, and `conflict` is what happened to it. */
export interface Added {
  run: Run
  created: boolean
  conflict?: 'returned' | 'replaced' | 'rescheduled'
}
