import { background } from './background.ts'
import { bandwidth } from './bandwidth.ts'
import { breaker } from './breaker.ts'
import { alone, locks, mayJoin } from './locks.ts'
import { battery } from './battery.ts'
import { charge } from './charge.ts'
import { concurrency, hasRoom } from './concurrency.ts'
import { cpu } from './cpu.ts'
import { dependencies } from './dependencies.ts'
import { disk } from './disk.ts'
import { due, isDue } from './due.ts'
import { enabled } from './enabled.ts'
import { idle } from './idle.ts'
import { io } from './io.ts'
import { isMonitor } from '../conditions/monitor.ts'
import { isPresent, present } from './present.ts'
import { memory } from './memory.ts'
import { network } from './network.ts'
import { keepsPace, pace } from './pace.ts'
import { paused } from './paused.ts'
import { power } from './power.ts'
import { priority } from './priority.ts'
import { probes } from './probes.ts'
import { profile } from './profile.ts'
import { queue, rate } from './queue.ts'
import { signals } from './signals.ts'
import { hasSlot, slots } from './slots.ts'
import { mayBeTried, suspect } from './suspect.ts'
import { temperature } from './temperature.ts'
import { ups } from './ups.ts'
import { window } from './window.ts'
import type { Constraints } from '../task/constraint.ts'
import type { Gate, GateInput, GateKind } from '../conditions/gate.ts'
import type { Task } from '../task/task.ts'

/** A gate, its kind, and how its result may be shared. */
export interface GateEntry {
  gate: Gate
  kind: GateKind
  /** Whether the result depends on the run: always, never, or for some tasks. Otherwise all runs of a snapshot share it
   *  until a limit relaxes. */
  own: 'always' | 'never' | ((task: Task) => boolean)
  /** True when the shared result depends only on the reading and the configuration. */
  ofMachine?: boolean
  /** True when the gate is open; decides like the gate, without a message. */
  opens?: (ask: GateInput) => boolean
}

// Only the presence is checked: a value that throws must throw in its gate, which reports it.
const asks = (...names: (keyof Constraints)[]) => ({ constraints }: Task): boolean =>
  names.some(name => name in constraints)

/** Load never holds a monitor, so its result for one differs. */
const monitorOr = (...names: (keyof Constraints)[]) => (task: Task): boolean => isMonitor(task) || asks(...names)(task)

/** All gates, in the order in which reasons are shown. */
export const GATES: readonly GateEntry[] = [
  { gate: present, kind: 'order', own: 'always', opens: isPresent },
  { gate: enabled, kind: 'order', own: task => !task.enabled },
  { gate: paused, kind: 'safety', own: 'always' },
  { gate: breaker, kind: 'order', own: task => task.breaker !== null },
  { gate: due, kind: 'order', own: 'always', opens: isDue },
  { gate: suspect, kind: 'order', own: 'always', opens: mayBeTried },
  { gate: dependencies, kind: 'order', own: task => task.depends_on.length > 0 },
  { gate: disk, kind: 'safety', own: asks('disk_free'), ofMachine: true },
  { gate: temperature, kind: 'safety', own: asks('temperature_below'), ofMachine: true },
  { gate: window, kind: 'condition', own: asks('window') },
  { gate: power, kind: 'condition', own: asks('power'), ofMachine: true },
  { gate: ups, kind: 'share', own: 'never', ofMachine: true },
  { gate: battery, kind: 'condition', own: 'always' },
  { gate: charge, kind: 'condition', own: asks('battery_above', 'battery_below') },
  { gate: idle, kind: 'condition', own: asks('idle'), ofMachine: true },
  { gate: probes, kind: 'condition', own: asks('not_while'), ofMachine: true },
  { gate: signals, kind: 'condition', own: asks('signals') },
  { gate: network, kind: 'condition', own: asks('network'), ofMachine: true },
  { gate: cpu, kind: 'condition', own: monitorOr('cpu_below'), ofMachine: true },
  { gate: memory, kind: 'condition', own: monitorOr('memory_below'), ofMachine: true },
  { gate: io, kind: 'condition', own: monitorOr('io_below'), ofMachine: true },
  { gate: bandwidth, kind: 'condition', own: monitorOr(), ofMachine: true },
  { gate: concurrency, kind: 'order', own: 'always', opens: hasRoom },
  { gate: queue, kind: 'order', own: 'always' },
  { gate: rate, kind: 'order', own: 'always' },
  { gate: locks, kind: 'order', own: task => task.locks.length > 0 },
  { gate: alone, kind: 'order', own: 'always', opens: mayJoin },
  { gate: pace, kind: 'order', own: 'always', opens: keepsPace },
  { gate: priority, kind: 'order', own: 'always' },
  { gate: profile, kind: 'share', own: 'always' },
  { gate: background, kind: 'share', own: 'always' },
  { gate: slots, kind: 'order', own: 'always', opens: hasSlot }
]

const placesOf = (wanted: (rule: GateEntry) => boolean): readonly number[] =>
  GATES.flatMap((rule, place) => wanted(rule) ? [place] : [])

const ALL = placesOf(() => true)
const ALWAYS = placesOf(({ own }) => own === 'always')

/** The places of the gates whose result may be shared. */
export const SHARED = placesOf(({ own }) => own !== 'always')

/** Those that depend only on the reading and the configuration. */
export const OF_MACHINE = SHARED.filter(place => GATES[place]!.ofMachine)

const places = new WeakMap<Task, readonly number[]>()

function ownOf (task: Task): readonly number[] {
  const before = places.get(task)
  if (before !== undefined) return before
  const some = SHARED.some(place => isOwn(GATES[place]!, task))
  const found = some ? placesOf(rule => isOwn(rule, task)) : ALWAYS
  places.set(task, found)
  return found
}

const isOwn = ({ own }: GateEntry, task: Task): boolean => own === 'always' || (own !== 'never' && own(task))

/** The places of the gates whose result depends on the run. */
export function ownPlaces ({ task, relaxed }: GateInput): readonly number[] {
  if (relaxed > 0) return ALL
  return task === undefined ? ALWAYS : ownOf(task)
}
