import { courses, unsafe } from './courses.ts'
import { deadlineOf } from '../conditions/relaxation.ts'
import { GATES } from '../gates/gates.ts'
import { judge, snapshotOf, verdictIn } from '../admit/evaluate.ts'
import type { Config } from '../config/config.ts'
import type { Dependence } from './forecast.ts'
import type { GateAnswer, Pause, Occupancy, Trials, Waiting } from '../conditions/gate.ts'
import type { Reading } from '../machine/reading.ts'
import type { Task } from '../task/task.ts'

/** The conditions that a forecast starts from. `reading`: as the gates see it now. */
export interface WorldAsk {
  now: number
  config: Config
  tasks: ReadonlyMap<string, Task>
  reading: Reading
  pauses: readonly Pause[]
  trials: Trials
}

/** The occupancy by other runs, and the running runs by task. */
export interface Beside extends Omit<Occupancy, 'active'> {
  active: ReadonlyMap<string, number>
}

/** A run and its task, as the gates judge them. */
export interface Subject {
  task: Task
  run: Waiting
}

const MOST_STEPS = 50

/** The names of the gates in the order in which reasons are shown. */
const ORDER = GATES.map(({ gate }) => gate.name)

/** Gates that more than clock and calendar opens, even where their result is `certain`. */
const SOFT = ['dependencies', 'breaker', 'pace', 'suspect']

/** True when the gate stays closed until a known instant, or until the definition changes. */
const isHard = ({ ok, gate, certain, kind }: GateAnswer): boolean =>
  !ok && !SOFT.includes(gate) && (certain || (kind === 'order' && (gate === 'present' || gate === 'enabled')))

const ONLY_BATTERY = ['battery', 'profile', 'priority']

/** True when the gate is closed because of a reading. */
const readable = ({ ok, certain, kind }: GateAnswer) => !ok && !certain && kind !== 'order'

const isOwn = ({ source }: GateAnswer) => source.startsWith('task definition')

const dependenceOf = ({ gate, ok, message }: GateAnswer): Dependence => ({ gate, ok, message })

/** When a closed gate opens or, for conditions, is bypassed at the deadline. */
const opensAt = ({ kind, clears_at: clears }: GateAnswer, passesAt: number): number =>
  Math.min(clears ?? Infinity, kind === 'condition' ? passesAt : Infinity)

/** Constraints of the task come first, then the order of the gates. */
const inOrder = (a: GateAnswer, b: GateAnswer): number =>
  Number(isOwn(b)) - Number(isOwn(a)) || ORDER.indexOf(a.gate) - ORDER.indexOf(b.gate)

const openNow = (answer: GateAnswer): GateAnswer => ({
  ...answer,
  ok: true,
  message: `open now; closed when: ${answer.message}`
})

/** Messages about other runs, which replace those of the gates: the largest possible counts do not help the reader. */
const MAY: Record<string, string> = {
  slots: 'other runs may take every slot',
  priority: 'other runs may take all slots of its priority',
  profile: 'other runs may take all slots of the power profile',
  background: 'other runs may take all background slots',
  concurrency: 'another run of the task may run',
  queue: 'other runs of its queue may run',
  locks: 'another run may hold its lock',
  alone: 'another run may need to run alone',
  pace: 'overdue runs start gradually'
}

/** Evaluates the gates at future instants, for every course of the readings. */
export class World {
  readonly #ask: WorldAsk
  readonly #courses: readonly Reading[]
  readonly #unsafe: Reading
  readonly #dependences = new Map<string, Dependence[]>()

  constructor (ask: WorldAsk) {
    this.#ask = ask
    this.#courses = courses(ask.reading, ask.config)
    this.#unsafe = unsafe(ask.reading)
  }

  /** The earliest instant at which a run may start, with every gate open that depends on a reading; Infinity: never, as
   *  things stand. */
  earliest ({ task, run }: Subject, beside: Beside): number {
    const deadline = deadlineOf(task, run)
    const passesAt = deadline.on_deadline === 'run' ? deadline.at : Infinity
    let at = Math.max(run.due_at, this.#ask.now)
    for (let step = 0; step < MOST_STEPS; step++) {
      const closed = this.#closed({ task, run }, { at, beside, reading: this.#ask.reading }).filter(isHard)
      if (closed.length === 0) return at
      if (step === 0 && task.on_unmet === 'skip' && closed.some(({ kind }) => kind === 'condition')) return Infinity
      const next = Math.max(...closed.map(answer => opensAt(answer, passesAt)))
      const isOver = deadline.on_deadline !== 'run' && Math.max(next, at) > deadline.at
      if (next <= at || isOver) return Infinity
      at = next
    }
    return Infinity
  }

  /** The gates that keep a run from starting and depend neither on a reading nor on other runs. */
  stopped ({ task, run }: Subject, beside: Beside): Dependence[] {
    const { now, reading } = this.#ask
    const at = Math.max(run.due_at, now)
    return this.#closed({ task, run }, { at, beside, reading }).filter(isHard).map(dependenceOf)
  }

  /** The gates that may hold a run at an instant beside the given occupancy; empty when it starts under every course of
   *  the readings. */
  against (subject: Subject, at: number, beside: Beside): Dependence[] {
    const found = new Map<string, Dependence>()
    for (const reading of this.#courses) {
      for (const { gate, message } of this.#closed(subject, { at, beside, reading })) {
        found.set(gate, { gate, ok: true, message: MAY[gate] ?? message })
      }
    }
    return [...found.values()]
  }

  /** The gates that hold a run now beside the given occupancy, except those of clock and calendar. */
  closed (subject: Subject, beside: Beside): Dependence[] {
    const { now, reading } = this.#ask
    return this.#closed(subject, { at: now, beside, reading }).filter(answer => !isHard(answer)).map(dependenceOf)
  }

  /** The gates that some course of the readings closes to the runs of a task before their deadline, with their current
   *  messages; constraints of the task come first. */
  dependences ({ task, run }: Subject, beside: Beside): Dependence[] {
    const key = [task.id, run.priority, run.queue, run.source].join(' ')
    let known = this.#dependences.get(key)
    if (known === undefined) this.#dependences.set(key, known = this.#findDependences({ task, run }, beside))
    return known
  }

  #findDependences ({ task, run }: Subject, beside: Beside): Dependence[] {
    // A fresh run is furthest from its deadline, so no limit is relaxed.
    const at = this.#ask.now
    const fresh = { task, run: { ...run, due_at: at, created_at: at } }
    const closing = [
      ...this.#courses.flatMap(reading => this.#closed(fresh, { at, beside, reading }).filter(readable)),
      ...this.#closed(fresh, { at, beside, reading: this.#unsafe }).filter(answer => readable(answer) && isOwn(answer))
    ]
    const relevant = this.#hasBattery()
      ? closing
      : closing.filter(answer => !ONLY_BATTERY.includes(answer.gate) || isOwn(answer))
    // Without a battery its gates are left out, unless no others remain.
    const byGate = new Map((relevant.length > 0 ? relevant : closing).map(answer => [answer.gate, answer]))
    const gates = [...byGate.values()].toSorted(inOrder)
    if (gates.length === 0) return []
    const snapshot = this.#snapshot(at, beside, this.#ask.reading)
    const now = new Map(verdictIn(snapshot, { ...fresh, active: 0 }).gates.map(answer => [answer.gate, answer]))
    return gates.map(answer => dependenceOf(now.get(answer.gate) ?? openNow(answer)))
  }

  #hasBattery (): boolean {
    const { power, battery, ups } = this.#ask.reading
    return battery.present === true || power === 'battery' || ups !== null
  }

  #closed (
    { task, run }: Subject,
    { at, beside, reading }: { at: number, beside: Beside, reading: Reading }
  ): GateAnswer[] {
    const active = beside.active.get(task.id) ?? 0
    return judge(this.#snapshot(at, beside, reading), { task, run, active }).gates.filter(({ ok }) => !ok)
  }

  #snapshot (now: number, beside: Beside, reading: Reading) {
    const { config } = this.#ask
    return snapshotOf({ reading, hysteresis: null, config, now, occupancy: { ...beside, active: 0 } })
  }
}
