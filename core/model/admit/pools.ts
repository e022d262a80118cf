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

/** The pools that must have room for one run to start, and the pools it takes from. */
export interface Demand {
  needs: string[]
  takes: string[]
}

/** The lock that tells other owners that a trial run of the task is running after a pause of its breaker. */
export const trialLock = ({ id }: Pick<Task, 'id'>): string => `offpeak:trial/${id}`

/** A run that may start. */
interface Starter {
  run: Run
  task: Task
  judgement: Judgement
}

/** The starts left, by pool. Each pool stands for one gate of kind order or share and has room exactly while that gate
 *  is open, so a claim of many runs stops at the run that would close the gate. */
export class Pools {
  readonly left: Record<string, number> = {}
  readonly #snapshot: Snapshot
  readonly #occupancy: Occupancy
  readonly #byTask: ReadonlyMap<string, number>
  readonly #others: Others
  readonly #alone: boolean

  /** `others`: the usage of other owners, which the claim subtracts at its own time. `alone`: one of the runs that may
   *  start needs to run alone. */
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

  /** What the start of a run needs and takes, alternatives in order. A critical run takes a reserved slot or, when none
   *  is free, an ordinary one. */
  demandsOf (starter: Starter): Demand[] {
    const common = this.#common(starter)
    const ordinary = this.#ordinary(starter, common)
    return starter.judgement.critical ? [this.#inReserve(common), ordinary] : [ordinary]
  }

  /** Creates the pool with room for `most` starts unless it exists, and returns its name. */
  pool (name: string, most: number): string {
    this.left[name] ??= most
    return name
  }

  /** The pool that is empty while a run of another owner runs alone. */
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
    // A run that runs alone starts only while no other runs, and no other starts beside it.
    this.pool('company', 1)
    both('nobody', 1 - inUse.count, task.alone)
    demand[task.alone ? 'takes' : 'needs'].push('company')
  }
}
