import { Agenda } from './agenda.ts'
import { PossibleRuns } from './possible-runs.ts'
import { World } from './world.ts'
import { deadlineOf } from '../conditions/relaxation.ts'
import { draws } from './draws.ts'
import { BLOCKED, CHANCE, HANDOVER, OVERLAP, REPLACED, TRIAL, overBy, runOf, surelyWaits } from './start-item.ts'
import type { Bound, Item } from './start-item.ts'
import type { Dependence } from './forecast.ts'
import type { Fire } from './fires.ts'
import type { Beside, Subject } from './world.ts'
import type { PossibleRunsOptions } from './possible-runs.ts'
import type { Run } from '../run/run.ts'
import type { Task } from '../task/task.ts'

interface BoundsAsk extends PossibleRunsOptions {
  to: number
  /** By schedule, in order. */
  fires: readonly (readonly Fire[])[]
  waiting: readonly Run[]
  running: readonly Run[]
  /** How long a run of a task can take at most, ms; Infinity: it may yield and start again. */
  longest: (task: Task) => number
}

const MOST_TRIES = 24
const PRUNE_EVERY = 64

const PHASES = { fire: 0, come: 1, judge: 2 } as const

/** Walks through time once and finds for each start the earliest and the latest instant under every course of the
 *  readings. The same gates decide as in the runner: the earliest with no other run present, the latest with all that
 *  may be present. */
class Sweep {
  readonly #ask: BoundsAsk
  readonly #world: World
  readonly #occupancy: PossibleRuns
  readonly #nobody: Beside
  #running: Beside
  readonly #agenda = new Agenda()
  readonly #starts = draws()
  readonly #widest: number
  #came = 0
  readonly items: Item[] = []

  constructor (ask: BoundsAsk) {
    this.#ask = ask
    this.#widest = ask.fires.flat().reduce((most, { from, to }) => Math.max(most, to - from), 0)
    this.#world = new World(ask)
    this.#occupancy = new PossibleRuns(ask)
    this.#running = this.#nobody = this.#occupancy.nobody()
  }

  run (): Bound[] {
    const { running, waiting, fires, to } = this.#ask
    for (const run of running) this.#addRunning(run)
    this.#running = this.#occupancy.running()
    const open = Map.groupBy(
      [...waiting, ...running].filter(({ schedule }) => schedule !== null),
      ({ schedule }) => schedule!
    )
    for (const run of waiting) this.#addWaiting(run)
    for (const one of fires) this.#addFires(one, open)
    while (this.#agenda.step(to)) continue
    return this.items.filter(({ isGone, run }) => !isGone || run !== null)
  }

  #addRunning (run: Run): void {
    const task = this.#ask.tasks.get(run.task)
    if (task === undefined) return
    const at = run.started_at ?? this.#ask.now
    const end = Math.max(this.#ask.now, at + this.#ask.longest(task)) + HANDOVER
    const item = this.#item(
      { task, run, schedule: run.schedule, stage: 'running', nominal_at: run.nominal_at, from: at, to: at },
      end
    )
    Object.assign(item, { earliest: at, latest: at, certain: true, isDone: true })
    this.#occupancy.add(item.occupant)
  }

  #addWaiting (run: Run): void {
    const task = this.#ask.tasks.get(run.task)
    if (task === undefined) return
    const due = Math.max(run.due_at, this.#ask.now)
    const item = this.#item({
      task,
      run,
      schedule: run.schedule,
      stage: 'waiting',
      nominal_at: run.nominal_at,
      from: due,
      to: due
    })
    if (run.state === 'blocked') item.exists.push(BLOCKED)
    this.#agenda.add(due, PHASES.fire, () => this.#come(item))
  }

  #addFires (fires: readonly Fire[], open: ReadonlyMap<string, Run[]>): void {
    const before: Item[] = []
    for (const run of fires[0] === undefined ? [] : open.get(fires[0].schedule.id) ?? []) {
      const item = this.items.find(one => one.run === run)
      if (item !== undefined) before.push(item)
    }
    for (const { schedule, task, nominal_at, from, to, blurred } of fires) {
      this.#agenda.add(from, PHASES.fire, () => {
        const item = this.#item({
          task: this.#ask.tasks.get(task.id)!,
          run: null,
          schedule: schedule.id,
          stage: 'planned',
          nominal_at,
          from,
          to
        })
        item.isBlurred = blurred
        if (!this.#isMade(item, before)) return void this.items.pop()
        before.push(item)
        this.#come(item)
      })
    }
  }

  #item (
    known: Pick<Item, 'task' | 'run' | 'schedule' | 'stage' | 'nominal_at' | 'from' | 'to'>,
    end = Infinity
  ): Item {
    const { task, run, schedule } = known
    const occupant = { task, queue: run?.queue ?? task.queue, priority: run?.priority ?? task.priority, schedule, end }
    const item: Item = {
      ...known,
      earliest: Infinity,
      latest: Infinity,
      certain: false,
      depends_on: [],
      exists: [],
      occupant,
      isBlurred: false,
      isDone: false,
      isGone: false
    }
    this.items.push(item)
    return item
  }

  /** Whether the fire can become a run: with `overlap: skip` it does not while an earlier run surely waits. */
  #isMade (item: Item, before: Item[]): boolean {
    const { task: { overlap }, from, to } = item
    if (overlap !== 'skip' && overlap !== 'replace') return true
    const open = before.filter(({ occupant: { end } }) => end >= from)
    before.length = 0
    before.push(...open)
    if (overlap === 'replace') {
      for (const other of open) this.#replace(other, to)
      return true
    }
    if (open.some(other => surelyWaits(other, to))) return false
    if (open.length > 0) item.exists.push(OVERLAP)
    return true
  }

  /** A run that has not started when a later fire replaces it never starts; a running one is stopped. */
  #replace (other: Item, at: number): void {
    other.occupant.end = Math.min(other.occupant.end, at + 10 * HANDOVER)
    if (other.latest <= at) return
    other.depends_on = unique([...other.depends_on, REPLACED])
    other.isGone = other.earliest > at
    other.isDone = true
    if (other.isGone) other.earliest = Infinity
  }

  #come (item: Item): void {
    const { from, to } = item
    item.earliest = this.#world.earliest(runOf(item, from), this.#nobody)
    const last = to === from ? item.earliest : this.#world.earliest(runOf(item, to), this.#nobody)
    if (item.earliest >= this.#ask.to) item.depends_on.push(...this.#world.stopped(runOf(item, from), this.#nobody))
    if (item.earliest === Infinity) {
      item.occupant.end = overBy(item, item.task.on_unmet === 'skip' ? from : Infinity)
      return
    }
    item.latest = overBy(item, Infinity)
    item.occupant.end = item.latest + this.#ask.longest(item.task) + HANDOVER
    this.#agenda.add(item.earliest, PHASES.come, () => {
      if (++this.#came % PRUNE_EVERY === 0) this.#occupancy.prune(item.earliest - this.#widest)
      this.#occupancy.add(item.occupant)
      this.#starts.add(item)
    })
    if (last >= this.#ask.to && item.earliest < this.#ask.to) item.depends_on.push(CHANCE)
    if (last < Infinity) this.#agenda.add(Math.max(last, item.earliest), PHASES.judge, () => this.#judge(item, last))
  }

  /** The dependences of a run that do not change while it waits. */
  #always ({ task, exists, from, to, earliest, isBlurred }: Item): Dependence[] {
    const waits = task.depends_on.map(({ task: id, condition }) => ({
      gate: 'dependencies',
      ok: true,
      message: `waits for ${id} ${condition}`
    }))
    const isTried = task.breaker !== null && this.#ask.trials.has(task.id)
    const isChance = isBlurred || (to > from && earliest !== from)
    return [
      ...exists.filter(({ gate }) => gate === 'dependencies'),
      ...waits,
      ...isTried ? [TRIAL] : [],
      ...isChance ? [CHANCE] : []
    ]
  }

  #judge (item: Item, at: number): void {
    if (item.isDone) return
    const subject = runOf(item, item.to)
    const deadline = deadlineOf(item.task, subject.run)
    const isPassed = deadline.on_deadline === 'run' && at >= deadline.at
    const always = this.#always(item)
    const held = isPassed ? [] : this.#world.dependences(subject, this.#nobody)
    const others = held.length > 0 ? [] : this.#others(item, subject, at)
    const reasons = [...item.exists, ...always, ...held, ...others]
    item.certain = reasons.length === 0
    const closed = item.certain || item.run === null ? [] : this.#world.closed(subject, this.#running)
    item.depends_on = unique([...reasons, ...closed])
    if (always.length > 0) return
    if (held.length === 0 && others.length === 0) this.#settle(item, at)
    else if (held.length === 0) this.#again(item, this.#occupancy.nextEnd(at), 0)
    else if (deadline.on_deadline === 'run') this.#again(item, Math.max(deadline.at, at), 0)
  }

  #others (item: Item, subject: Subject, at: number): Dependence[] {
    const beside = this.#occupancy.beside(Math.min(item.earliest, at), item.occupant)
    return [...this.#world.against(subject, at, beside), ...this.#starts.against(item, at, this.#ask)]
  }

  /** The run has started by this instant. */
  #settle (item: Item, at: number): void {
    item.latest = at
    item.occupant.end = at + this.#ask.longest(item.task) + HANDOVER
    item.isDone = true
  }

  /** Checks again at `at` whether the run must have started by then, up to MOST_TRIES times. */
  #again (item: Item, at: number, tries: number): void {
    if (at === Infinity || tries >= MOST_TRIES) return
    this.#agenda.add(at, PHASES.judge, () => {
      if (item.isDone) return
      const beside = this.#occupancy.beside(at, item.occupant)
      const obstacles = [
        ...this.#world.against(runOf(item, item.to), at, beside),
        ...this.#starts.against(item, at, this.#ask)
      ]
      if (obstacles.length === 0) return this.#settle(item, at)
      this.#again(item, this.#occupancy.nextEnd(at), tries + 1)
    })
  }
}

const unique = (all: readonly Dependence[]): Dependence[] => [...new Map(all.map(one => [one.gate, one])).values()]

/** The earliest and latest instant of each future start, valid under every course of the readings. */
export const boundsOf = (ask: BoundsAsk): Bound[] => new Sweep(ask).run()
