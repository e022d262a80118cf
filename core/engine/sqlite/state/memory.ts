import type { Bucket } from '../../../model/config/queue.ts'
import { isFinal } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Commit, CommitKind, EngineEvent } from '../../in-process.ts'
import type { OtherOwners } from '../../engine.ts'
import { Journal } from './journal.ts'
import { Lanes, isBehindDue } from './lanes.ts'
import type { Lane, LaneSource } from './lanes.ts'
import { Singles } from './singles.ts'
import type { SingleSource } from './singles.ts'

/** The circumstances of the claim of a running run. Not stored. `rated`: it took a token from the rate bucket of its
 *  queue. */
interface ClaimDetails {
  locks: readonly string[]
  rated: boolean
}

const UNKNOWN: ClaimDetails = { locks: [], rated: false }

/** The image of the tables in memory, so that an idle store needs no statement. The rows are the truth: every change of
 *  the image is journaled and undone with its transaction. */
export class Memory {
  readonly journal = new Journal()
  readonly lanes: Lanes
  readonly singles: Singles
  /** The runs that are running, by id. */
  readonly running = new Map<string, Run>()
  readonly #claims = new Map<string, ClaimDetails>()
  /** When the leases of the owners expire, epoch ms. */
  readonly owners = new Map<string, number>()
  /** When expired leases were last looked for, epoch ms; null: never. */
  expiredAt: number | null = null
  /** The rate buckets of queues. */
  readonly buckets = new Map<string, Bucket>()
  /** The ids of runs that other runs wait for. */
  readonly awaited = new Set<string>()
  /** Those of them that ended in this call and whose dependents are not updated yet. */
  readonly ended: Run[] = []
  /** True when the table of dependencies has rows. */
  hasDependencies = false
  /** A lower bound of the deadlines of expiring runs; Infinity: there are none; -Infinity: not known. */
  deadline = -Infinity
  /** The latest versions of facts and of schedules. */
  readonly versions = { fact: 0, schedule: 0 }
  /** The events of the transaction, for listeners. */
  readonly events: EngineEvent[] = []
  readonly kinds = new Set<CommitKind>()
  /** True when a run ended in the transaction. */
  hasEnded = false
  /** The name of the current call. */
  call = ''

  constructor (source: LaneSource & { singles: SingleSource }) {
    this.lanes = new Lanes(source, this.journal)
    this.singles = new Singles(source.singles, this.journal)
  }

  /** Adds a new run. */
  added (run: Run, lane: Lane, expires: boolean): void {
    if (run.state === 'queued' && (expires || !isBehindDue(lane, run))) this.kinds.add('work')
    if (isFinal(run.state)) this.hasEnded = true
    this.lanes.moved(lane, null, run)
    this.singles.moved(null, run, lane.id)
    if (expires) this.noteDeadline(run)
  }

  /** Applies a change of a run. */
  changed (before: Run, after: Run, [from, to]: readonly [Lane, Lane]): void {
    if (from === to) this.lanes.moved(from, before, after)
    else {
      this.lanes.moved(from, before, null)
      this.lanes.moved(to, null, after)
    }
    this.singles.moved(before, after, to.id)
    this.noteDeadline(after)
    // The owner has the end of the lease.
    if (after.state === 'running') {
      this.journal.put(
        this.running,
        after.id,
        after.lease_until === null ? after : { ...after, lease_until: null }
      )
    } else if (before.state === 'running') this.#ended(before)
    // Other runs may start after one that no longer waits.
    if (after.state === 'queued' || (before.state !== 'running' && isFinal(after.state))) this.kinds.add('work')
    if (after.cancel !== null && after.state === 'running') this.kinds.add('cancel')
    if (!isFinal(after.state)) return
    this.hasEnded = true
    if (this.awaited.size > 0 && this.awaited.has(after.id)) this.ended.push(after)
  }

  #ended ({ id }: Run): void {
    this.journal.drop(this.running, id)
    this.journal.drop(this.#claims, id)
    this.kinds.add('work')
  }

  /** Removes a finished run. */
  removed (run: Run, lane: Lane): void {
    this.lanes.moved(lane, run, null)
  }

  /** Keeps the circumstances of a claim. */
  claimed (id: string, claim: ClaimDetails): void {
    if (claim.locks.length > 0 || claim.rated) this.journal.put(this.#claims, id, claim)
  }

  claimOf (id: string): ClaimDetails {
    return this.#claims.get(id) ?? UNKNOWN
  }

  noteDeadline ({ state, deadline_at: at }: Run): void {
    if (at !== null && at < this.deadline && (state === 'queued' || state === 'blocked')) {
      this.journal.set(this, 'deadline', at)
    }
  }

  /** The next version of a fact or a schedule. */
  nextVersion (of: 'fact' | 'schedule'): number {
    this.journal.set(this.versions, of, this.versions[of] + 1)
    this.kinds.add(of === 'fact' ? 'facts' : 'schedules')
    return this.versions[of]
  }

  emit (event: EngineEvent extends infer One ? One extends { call: string } ? Omit<One, 'call'> : never : never): void {
    this.events.push({ ...event, call: this.call } as EngineEvent)
  }

  /** What the running runs of other owners occupy. */
  others (owner: string): OtherOwners {
    const [tasks, queues, locks] = [new Map<string, number>(), new Map<string, number>(), new Map<string, string>()]
    for (const run of this.running.values()) {
      if (run.owner === owner) continue
      tasks.set(run.task, (tasks.get(run.task) ?? 0) + 1)
      queues.set(run.queue, (queues.get(run.queue) ?? 0) + 1)
      for (const name of this.claimOf(run.id).locks) locks.set(name, run.id)
    }
    return { tasks: Object.fromEntries(tasks), queues: Object.fromEntries(queues), locks: Object.fromEntries(locks) }
  }

  /** Takes the events of the transaction, for listeners. */
  takeCommit (): Commit {
    if (this.events.length > 0) this.kinds.add('events')
    return { kinds: new Set(this.kinds), events: this.events.splice(0) }
  }

  /** Keeps the changes of the transaction. */
  committed (): void {
    this.journal.end()
    this.#forget()
  }

  /** Undoes the changes of the transaction. */
  rolledBack (): void {
    this.journal.undo()
    this.#forget()
  }

  #forget (): void {
    this.ended.length = 0
    this.hasEnded = false
    this.events.length = 0
    this.kinds.clear()
  }
}
