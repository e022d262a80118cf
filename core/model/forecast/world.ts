import { courses, unsafe } from './courses.ts'
import { deadlineOf } from '../conditions/relaxation.ts'
import { GATES } from '../gates/gates.ts'
import { judge, snapshotOf, verdictIn } from '../admit/evaluate.ts'
import type { Config } from '../config/config.ts'
import type { Dependence } from './forecast.ts'
import type { GateAnswer, Pause, Occupancy, Trials, Waiting } from '../conditions/gate.ts'
import type { Reading } from '../machine/reading.ts'
import type { Task } from '../task/task.ts'

/** What a forecast knows of the machine and of people. `reading`: as the gates see it now. */
export interface WorldAsk {
  now: number
  config: Config
  tasks: ReadonlyMap<string, Task>
  reading: Reading
  pauses: readonly Pause[]
  trials: Trials
}

/** What others take: what the gates are told of it, and running runs by task. */
export interface Beside extends Omit<Occupancy, 'active'> {
  active: ReadonlyMap<string, number>
}

/** A run as the gates are asked about it, and its task. */
export interface Subject {
  task: Task
  run: Waiting
}

const MOST_STEPS = 50

/** The gates in the order in which people are told. */
const ORDER = GATES.map(({ gate }) => gate.name)

/** Gates that others than clock and calendar open, whatever they say of themselves. */
const SOFT = ['dependencies', 'breaker', 'pace', 'suspect']

/** Closed until an instant that is known, or for as long as nobody changes the definition. */
const isHard = ({ ok, gate, certain, kind }: GateAnswer): boolean =>
  !ok && !SOFT.includes(gate) && (certain || (kind === 'order' && (gate === 'present' || gate === 'enabled')))

const ONLY_BATTERY = ['battery', 'profile', 'priority']

/** Closed because of a reading. */
const readable = ({ ok, certain, kind }: GateAnswer) => !ok && !certain && kind !== 'order'

const isOwn = ({ source }: GateAnswer) => source.startsWith('task definition')

const dependenceOf = ({ gate, ok, message }: GateAnswer): Dependence => ({ gate, ok, message })

/** When a gate that is closed for now opens, or is passed at the deadline. */
const opensAt = ({ kind, clears_at: clears }: GateAnswer, passesAt: number): number =>
  Math.min(clears ?? Infinity, kind === 'condition' ? passesAt : Infinity)

/** What the task asks for itself comes first. */
const inOrder = (a: GateAnswer, b: GateAnswer): number =>
  Number(isOwn(b)) - Number(isOwn(a)) || ORDER.indexOf(a.gate) - ORDER.indexOf(b.gate)

const openNow = (answer: GateAnswer): GateAnswer => ({
  ...answer,
  ok: true,
  message: `open now; closed when: ${answer.message}`
})

/** What others may do, in words: how many of them there may be at most says nothing to anyone. */
const MAY: Record<string, string> = {
  slots: 'other runs may take every slot',
  priority: 'other runs of its priority may take all that it has',
  profile: 'other runs may take all slots of the power profile',
  background: 'other background runs may take all that they have',
  concurrency: 'another run of the task may run',
  queue: 'other runs of its queue may run',
  locks: 'another run may hold its lock',
  alone: 'runs that want to be alone wait for others, and others for them',
  pace: 'what has waited starts bit by bit'
}

/** Asks the gates of the product, at instants to come and for any course of the readings. */
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

  /** When a run may start at the earliest: with every gate open that a reading decides, and nobody else there.
   *  Infinity: never, as things are. */
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

  /** Why a run does not start as things are, beside what a reading or others decide. */
  stopped ({ task, run }: Subject, beside: Beside): Dependence[] {
    const { now, reading } = this.#ask
    const at = Math.max(run.due_at, now)
    return this.#closed({ task, run }, { at, beside, reading }).filter(isHard).map(dependenceOf)
  }

  /** What may keep a run waiting at an instant, with what others may take: empty when it starts under every course of
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

  /** What keeps a run waiting now, beside those that run, other than clock and calendar. */
  closed (subject: Subject, beside: Beside): Dependence[] {
    const { now, reading } = this.#ask
    return this.#closed(subject, { at: now, beside, reading }).filter(answer => !isHard(answer)).map(dependenceOf)
  }

  /** The gates that some course of the readings closes to the runs of a task before their deadline, with what they
   *  say now: those that it asks for itself first. */
  dependences ({ task, run }: Subject, beside: Beside): Dependence[] {
    const key = [task.id, run.priority, run.queue, run.source].join(' ')
    let known = this.#dependences.get(key)
    if (known === undefined) this.#dependences.set(key, known = this.#findDependences({ task, run }, beside))
    return known
  }

  #findDependences ({ task, run }: Subject, beside: Beside): Dependence[] {
    // As far from its deadline as it can be.
    const at = this.#ask.now
    const fresh = { task, run: { ...run, due_at: at, created_at: at } }
    const closing = [
      ...this.#courses.flatMap(reading => this.#closed(fresh, { at, beside, reading }).filter(readable)),
      ...this.#closed(fresh, { at, beside, reading: this.#unsafe }).filter(answer => readable(answer) && isOwn(answer))
    ]
    const plugged = this.#hasBattery()
      ? closing
      : closing.filter(answer => !ONLY_BATTERY.includes(answer.gate) || isOwn(answer))
    // Where there is no battery it is not worth a word, as long as there is another.
    const byGate = new Map((plugged.length > 0 ? plugged : closing).map(answer => [answer.gate, answer]))
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
