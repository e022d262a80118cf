import type { OutcomeKind } from '../model/run/outcome.ts'
import type { Reason, Run } from '../model/run/run.ts'
import type { Usage } from '../model/run/usage.ts'

/** One effect of a commit. `call`: the engine call that caused it. `settled`: a run ended, or went back to the queue
 *  after an attempt; `owner`: who was running it, null when it was waiting (a dependency failed, its queue was full,
 *  its deadline passed). `claimed`, and `settled` with an owner, repeat what that owner did itself. */
export type EngineEvent = { call: string } & (
  | { kind: 'added', run: Run }
  | { kind: 'claimed', run: Run }
  | { kind: 'settled', run: Run, outcome: OutcomeKind, ms: number, owner: string | null, used?: Usage }
  | { kind: 'cancelled', run: Run, reason: Reason }
  | { kind: 'edited', run: Run, by: string }
  | { kind: 'removed', run: Run, reason: Reason }
  | { kind: 'recorded', by: string, action: string, subject: string }
)

/** `work`: a run may start now, because it was queued or another one ended. `cancel`: a running run is asked to stop.
 *  `events`: `Commit.events` is not empty. */
export type CommitKind = 'work' | 'facts' | 'schedules' | 'cancel' | 'events'

export interface Commit {
  kinds: ReadonlySet<CommitKind>
  events: readonly EngineEvent[]
}

/** What an engine in the same process offers in addition to the seam. */
export interface InProcess {
  /** Calls the listener synchronously after each commit, before it is durable and before its calls resolve. Returns an
   *  unsubscribe function. An error of a listener does not reach the others. */
  onCommit(listener: (change: Commit) => void): () => void
  /** Calls the listener once a commit with events is durable, in the order of the commits and before its calls resolve.
   *  Returns an unsubscribe function. */
  onDurable(listener: (change: Commit) => void): () => void
  /** The number of users that have started the engine and not stopped it. */
  users(): number
  /** Resolves when every commit so far is durable. Rejects when the disk does not confirm it. */
  durable(): Promise<void>
  /** Null: every committed end of a run is durable. Otherwise resolves when they are, and rejects when the disk does
   *  not confirm them. */
  unconfirmed(): Promise<void> | null
}
