import type { Bucket } from '../../../model/config/queue.ts'
import { isFinal } from '../../../model/run/run.ts'
import type { Run } from '../../../model/run/run.ts'
import type { Change, ChangeKind, Said } from '../../in-process.ts'
import type { Others } from '../../engine.ts'
import { Journal } from './journal.ts'
import { Lanes, isBehindDue } from './lanes.ts'
import type { Lane, LaneSource } from './lanes.ts'
import { Singles } from './singles.ts'
import type { SingleSource } from './singles.ts'

/** What a run that is running was claimed with, beside its row. `rated`: it has taken a start from the bucket of its
 *  queue. */
export interface Claim {
  locks: readonly string[]
  rated: boolean
}

const UNKNOWN: Claim = { locks: [], rated: false }

/** The image of the tables that is kept in memory, so that no statement is needed while nothing changes. The rows are
 *  the truth: every change of it goes through the journal, and is undone with the transaction that it belongs to. */
export class Memory {
  readonly journal = new Journal()
  readonly lanes: Lanes
  readonly singles: Singles
  /** The runs that are running, by id. */
  readonly running = new Map<string, Run>()
  readonly #claims = new Map<string, Claim>()
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
  linked = false
  /** No waiting run expires earlier; Infinity: none does. -Infinity: it has to be looked up. */
  deadline = -Infinity
  /** The versions that were given last to a fact and to a schedule. */
  readonly versions = { fact: 0, schedule: 0 }
  /** What the transaction has done, for those who listen. */
  readonly said: Said[] = []
  readonly kinds = new Set<ChangeKind>()
  /** True when the transaction has brought a run to its end. */
  over = false
  /** The call that is being done. */
  call = ''

  constructor (source: LaneSource & { singles: SingleSource }) {
    this.lanes = new Lanes(source, this.journal)
    this.singles = new Singles(source.singles, this.journal)
  }

  /** Follows a run that is there now, and was not. */
  entered (run: Run, lane: Lane, expires: boolean): void {
    if (run.state === 'queued' && (expires || !isBehindDue(lane, run))) this.kinds.add('work')
    if (isFinal(run.state)) this.over = true
    this.lanes.moved(lane, null, run)
    this.singles.moved(null, run, lane.id)
    if (expires) this.expects(run)
  }

  /** Follows a run from what it was to what it is. */
  followed (before: Run, after: Run, [from, to]: readonly [Lane, Lane]): void {
    if (from === to) this.lanes.moved(from, before, after)
    else {
      this.lanes.moved(from, before, null)
      this.lanes.moved(to, null, after)
    }
    this.singles.moved(before, after, to.id)
    this.expects(after)
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
    this.over = true
    if (this.awaited.size > 0 && this.awaited.has(after.id)) this.ended.push(after)
  }

  #ended ({ id }: Run): void {
    this.journal.drop(this.running, id)
    this.journal.drop(this.#claims, id)
    this.kinds.add('work')
  }

  /** Follows a run that is over and is no more. */
  left (run: Run, lane: Lane): void {
    this.lanes.moved(lane, run, null)
  }

  /** Notes what a run was claimed with. */
  claimed (id: string, claim: Claim): void {
    if (claim.locks.length > 0 || claim.rated) this.journal.put(this.#claims, id, claim)
  }

  claimOf (id: string): Claim {
    return this.#claims.get(id) ?? UNKNOWN
  }

  expects ({ state, deadline_at: at }: Run): void {
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

  say (said: Said extends infer One ? One extends { call: string } ? Omit<One, 'call'> : never : never): void {
    this.said.push({ ...said, call: this.call } as Said)
  }

  /** What running runs of other owners take. */
  others (owner: string): Others {
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
  taken (): Change {
    if (this.said.length > 0) this.kinds.add('said')
    return { kinds: new Set(this.kinds), said: this.said.splice(0) }
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
    this.over = false
    this.said.length = 0
    this.kinds.clear()
  }
}
