import { backgroundSlots } from '../gates/background.ts'
import { isPaced } from '../gates/pace.ts'
import { prioritySlots } from '../gates/priority.ts'
import { profileSlots, profileTaken, slotsFor } from '../gates/profile.ts'
import { ALONE, NOTHING_IN_USE, NO_OTHERS, queueRoom } from '../conditions/occupancy.ts'
import type { Others } from '../conditions/occupancy.ts'
import { isSuspect } from '../run/crash-suspect.ts'
import { urgencyOf } from '../conditions/urgency.ts'
import type { Judgement, Occupancy } from '../conditions/gate.ts'
import type { Snapshot } from './evaluate.ts'
import type { Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'

/** What the start of one run needs to be left in pools, and what it takes from them. */
export interface Demand {
  needs: string[]
  takes: string[]
}

/** The lock of the run that tries a task after a pause of its breaker, by which other owners know of it. */
export const trialLock = ({ id }: Pick<Task, 'id'>): string => `offpeak:trial/${id}`

/** A run that may start. */
interface Starter {
  run: Run
  task: Task
  judgement: Judgement
}

/** What is left for starts, by the names of pools. Each pool is one gate of order or share: it has room exactly while
 *  the gate is open, so that a claim of many runs closes it at the right one. */
export class Pools {
  readonly left: Record<string, number> = {}
  readonly #snapshot: Snapshot
  readonly #occupancy: Occupancy
  readonly #byTask: ReadonlyMap<string, number>
  readonly #others: Others
  readonly #alone: boolean

  /** `others`: what runs of other owners take, which is subtracted by the claim, as it is then. `alone`: a run that is
   *  to run alone is among those that may start. */
  constructor (
    { snapshot, byTask, others = NO_OTHERS, alone }: { snapshot: Snapshot, byTask: ReadonlyMap<string, number>,
      others: Others | undefined, alone: boolean }
  ) {
    this.#snapshot = snapshot
    this.#occupancy = snapshot.occupancy
    this.#byTask = byTask
    this.#others = others
    this.#alone = alone
  }

  /** What the start of a run needs and takes. A critical one may have a slot of its own or an ordinary one: the first
   *  that is free. */
  demandsOf (starter: Starter): Demand[] {
    const common = this.#common(starter)
    const ordinary = this.#ordinary(starter, common)
    return starter.judgement.critical ? [this.#inReserve(common), ordinary] : [ordinary]
  }

  /** Room for `most` more starts, in a pool of the caller's own. */
  pool (name: string, most: number): string {
    this.left[name] ??= most
    return name
  }

  /** The pool that is empty while another owner has a run that is to be alone. */
  aloneElsewhere (): string {
    return this.pool(`lock/${ALONE}`, 1)
  }

  #inReserve ({ needs, takes }: Demand): Demand {
    const slot = this.pool('reserve', this.#occupancy.reserve?.free ?? 0)
    return { needs: [slot, ...needs], takes: [slot, ...takes] }
  }

  #ordinary ({ judgement }: Starter, { needs, takes }: Demand): Demand {
    const slot = this.pool('slots', this.#occupancy.free)
    const demand = { needs: [slot, ...needs], takes: [slot, ...takes] }
    const profile = profileSlots(this.#snapshot)
    if (profile === null) return demand
    const [shared, least] = ([null, 'deadline'] as const).map(bypass =>
      this.pool(bypass === null ? 'profile' : 'profile/least',
        slotsFor(profile, bypass) - profileTaken(this.#occupancy))
    )
    demand.takes.push(shared!, least!)
    if (!judgement.critical) demand.needs.push(judgement.bypass === null ? shared! : least!)
    return demand
  }

  #common (starter: Starter): Demand {
    const demand: Demand = { needs: [], takes: [] }
    const both = (name: string, most: number, needed = true) => {
      if (most === Infinity) return
      demand.takes.push(this.pool(name, most))
      if (needed) demand.needs.push(name)
    }
    const { run, task, judgement: { critical, bypass, class: { class: kind } } } = starter
    const { priorities, background, pace = null, trials, tried = null } = this.#occupancy
    const urgency = urgencyOf({ run, task, class: kind })
    both(`priority/${urgency}`, prioritySlots(urgency, this.#snapshot) - (priorities[urgency] ?? 0))
    both(`task/${task.id}`, task.concurrency - (this.#byTask.get(task.id) ?? 0) + (this.#others.tasks[task.id] ?? 0))
    this.#inUse(starter, demand, both)
    if (kind === 'background') both('background', backgroundSlots(this.#snapshot).slots - background, !critical)
    if (pace !== null && isPaced(pace, run)) both('pace', pace.slots - pace.taken, !critical && bypass !== 'now')
    if (isSuspect(run, this.#snapshot.config.manager.crash_cap)) both('suspect', tried === null ? 1 : 0)
    const trial = task.breaker === null ? undefined : trials?.get(task.id)
    if (trial !== undefined) both(`lock/${trialLock(task)}`, trial.run === null ? 1 : 0)
    return demand
  }

  #inUse ({ run, task }: Starter, demand: Demand, both: (name: string, most: number, needed?: boolean) => void): void {
    const { inUse = NOTHING_IN_USE } = this.#occupancy
    const { running, rate } = queueRoom(inUse, this.#snapshot.config, { queue: run.queue, now: this.#snapshot.now })
    both(`queue/${run.queue}`, running + (this.#others.queues[run.queue] ?? 0))
    both(`rate/${run.queue}`, rate)
    for (const name of task.locks) both(`lock/${name}`, inUse.locks.has(name) ? 0 : 1)
    demand.needs.push(this.aloneElsewhere())
    if (!this.#alone) return
    // Whoever runs alone needs nobody beside it, and nobody joins it.
    this.pool('company', 1)
    both('nobody', 1 - inUse.count, task.alone)
    demand[task.alone ? 'takes' : 'needs'].push('company')
  }
}
