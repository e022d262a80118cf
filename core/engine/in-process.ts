import type { OutcomeKind } from '../model/run/outcome.ts'
import type { Reason, Run } from '../model/run/run.ts'
import type { Usage } from '../model/run/usage.ts'

/** What a commit has done, whoever asked for it. `settled`: a run that is over, or goes back to the queue after an
 *  attempt; `owner`: who had it running, null when nobody had: what it waited for failed, its queue was full, its
 *  deadline has passed. `claimed`, and `settled` with an owner: that owner knows it already. `call`: by which call of
 *  the engine. */
export type EngineEvent = { call: string } & (
  | { kind: 'added', run: Run }
  | { kind: 'claimed', run: Run }
  | { kind: 'settled', run: Run, outcome: OutcomeKind, ms: number, owner: string | null, used?: Usage }
  | { kind: 'cancelled', run: Run, reason: Reason }
  | { kind: 'edited', run: Run, by: string }
  | { kind: 'removed', run: Run, reason: Reason }
  | { kind: 'recorded', by: string, action: string, subject: string }
)

/** `work`: a run is queued, or may start that could not: another one has ended. `cancel`: a running run is asked to
 *  stop. `said`: is not empty. */
export type CommitKind = 'work' | 'facts' | 'schedules' | 'cancel' | 'events'

export interface Commit {
  kinds: ReadonlySet<CommitKind>
  events: readonly EngineEvent[]
}

/** What an engine in this process offers beside the seam. */
export interface InProcess {
  /** Called after each commit, before it is durable and before anybody is answered; the answer ends it. What a listener
   *  throws is contained. */
  onCommit(listener: (change: Commit) => void): () => void
  /** Called with what each commit has said once it is durable, before whoever asked is answered; the answer ends it. It
   *  is the change that `onChange` was called with. */
  onDurable(listener: (change: Commit) => void): () => void
  /** How many have started the engine and not stopped it. */
  users(): number
  /** Resolves when all that is committed now is durable. Rejects when it cannot be made so. */
  durable(): Promise<void>
  /** Null: every end of a run that is committed is durable. Else it resolves when those are, and rejects when they
   *  cannot be made so. */
  unconfirmed(): Promise<void> | null
}
