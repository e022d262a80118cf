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

/** What a run that is running was claimed with, beside its row. `rated`: it has taken a start from the bucket of its
 *  queue. */
interface ClaimDetails {
  locks: readonly string[]
  rated: boolean
}

const UNKNOWN: ClaimDetails = { locks: [], rated: false }

/** The image of the tables that is kept in memory, so that no statement is needed while nothing changes. The rows are
 *  the truth: every change of it goes through the journal, and is undone with the transaction that it belongs to. */
export class Memory {
  readonly journal = new Journal()
  readonly lanes: Lanes
  readonly singles: Singles
  /** The runs that are running, by id. */
  readonly running = new Map<string, Run>()
  readonly #claims = new Map<string, ClaimDetails>()
  /** Until when the leases of the owners hold, epoch ms. */
  readonly owners = new Map<string, number>()
  /** When somebody last looked for leases that are over, epoch ms; null: nobody has. */
  expiredAt: number | null = null
  /** Starts that queues with a rate have left. */
  readonly buckets = new Map<string, Bucket>()
  /** Runs that others wait for. */
  readonly awaited = new Set<string>()
  /** Those of them that have ended in this call, until what follows is done. */
  readonly ended: Run[] = []
  /** True when there are runs with prerequisites at all. */
  hasDependencies = false
  /** No waiting run expires earlier; Infinity: none does. -Infinity: it has to be looked up. */
  deadline = -Infinity
  /** The versions that were given last to a fact and to a schedule. */
  readonly versions = { fact: 0, schedule: 0 }
  /** What the transaction has done, for those who listen. */
  readonly events: EngineEvent[] = []
  readonly kinds = new Set<CommitKind>()
  /** True when the transaction has brought a run to its end. */
  hasEnded = false
  /** The call that is being done. */
  call = ''

  constructor (source: LaneSource & { singles: SingleSource }) {
    this.lanes = new Lanes(source, this.journal)
    this.singles = new Singles(source.singles, this.journal)
  }

  /** Follows a run that is there now, and was not. */
  added (run: Run, lane: Lane, expires: boolean): void {
    if (run.state === 'queued' && (expires || !isBehindDue(lane, run))) this.kinds.add('work')
    if (isFinal(run.state)) this.hasEnded = true
    this.lanes.moved(lane, null, run)
    this.singles.moved(null, run, lane.id)
    if (expires) this.noteDeadline(run)
  }

  /** Follows a run from what it was to what it is. */
  changed (before: Run, after: Run, [from, to]: readonly [Lane, Lane]): void {
    if (from === to) this.lanes.moved(from, before, after)
    else {
      this.lanes.moved(from, before, null)
      this.lanes.moved(to, null, after)
    }
    this.singles.moved(before, after, to.id)
    this.noteDeadline(after)
    // Until when its lease holds is its owner's to say.
    if (after.state === 'running') {
      this.journal.put(
        this.running,
        after.id,
        after.lease_until === null ? after : { ...after, lease_until: null }
      )
    } else if (before.state === 'running') this.#ended(before)
    // Others may have waited for one that waits no longer.
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

  /** Follows a run that is over and is no more. */
  removed (run: Run, lane: Lane): void {
    this.lanes.moved(lane, run, null)
  }

  /** Notes what a run was claimed with. */
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

  emit (said: EngineEvent extends infer One ? One extends { call: string } ? Omit<One, 'call'> : never : never): void {
    this.events.push({ ...said, call: this.call } as EngineEvent)
  }

  /** What running runs of other owners take. */
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

  /** What the transaction has done, for those who listen. */
  takeCommit (): Commit {
    if (this.events.length > 0) this.kinds.add('events')
    return { kinds: new Set(this.kinds), events: this.events.splice(0) }
  }

  /** What the transaction did is stored. */
  committed (): void {
    this.journal.end()
    this.#forget()
  }

  /** What the transaction did is undone. */
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
