import { HOUR } from '../../../core/model/base/duration.ts'
import { configOf } from '../../../core/model/config/config.ts'
import { evaluate } from '../../../core/model/admit/evaluate.ts'
import { taskOf } from '../../task.ts'
import { unknownReading } from '../../../core/model/machine/reading.ts'
import type { ConfigFile } from '../../../core/model/config/config.ts'
import type { EvaluateAsk, Gate, GateAnswer, GateInput, Occupancy,
  Waiting } from '../../../core/model/conditions/gate.ts'
import type { Reading } from '../../../core/model/machine/reading.ts'
import type { Task } from '../../../core/model/task/task.ts'

/** A Sunday noon. */
export const NOON = Date.parse('2026-11-22T12:00:00Z')

export const config = (file: ConfigFile = {}) => configOf(file, 'UTC')

/** A reading in which only this is known. */
export const reading = (over: Partial<Reading> = {}): Reading => ({ ...unknownReading(NOON), ...over })

/** A laptop on battery, or on mains. */
export const laptop = (
  level: Reading['battery']['level'],
  power: Reading['power'] = 'battery',
  charging: Reading['battery']['charging'] = power === 'mains'
): Reading => reading({ power, battery: { present: true, level, charging, seconds_left: 'unknown' } })

/** A machine that has no battery. */
export const desktop = (over: Partial<Reading> = {}): Reading =>
  reading({
    power: 'mains',
    battery: { present: false, level: 'unknown', charging: 'unknown', seconds_left: 'unknown' },
    ...over
  })

/** A machine without a battery on a UPS. */
export const onUps = (level: Reading['battery']['level']): Reading =>
  desktop({ ups: { on_battery: true, level, seconds_left: 'unknown' } })

export const occupancy = (over: Partial<Occupancy> = {}): Occupancy => ({
  active: 0,
  free: 10,
  slots: 10,
  priorities: {},
  background: 0,
  pauses: [],
  ...over
})

export const run = (over: Partial<Waiting> = {}): Waiting => ({
  task: 'work',
  due_at: NOON,
  priority: 'normal',
  queue: 'default',
  source: 'schedule',
  ...over
})

export const facts = (
  { task = {}, ...over }: Partial<Omit<GateInput, 'task'>> & { task?: Partial<Task> } = {}
): GateInput => ({
  run: run(),
  reading: reading(),
  config: config(),
  occupancy: occupancy(),
  now: NOON,
  class: 'normal',
  relaxed: 0,
  ...over,
  task: taskOf(task)
})

/** What a gate says: `-` when nothing asks for it, `ok`, or the code, with a + before the code of an open one. */
export function word (gate: Gate, ask: GateInput): string {
  const result = gate(ask)
  if (result === null) return '-'
  if (result.ok) return result.code === 'ok' ? 'ok' : `+${result.code}`
  return result.code === 'ok' ? 'closed without a code' : result.code
}

/** A task with these constraints. */
export const asking = (constraints: Task['constraints']) => ({ task: { constraints } })

export const verdict = ({ task = {}, ...over }: Partial<Omit<EvaluateAsk, 'task'>> & { task?: Partial<Task> } = {}) =>
  evaluate({
    run: run(),
    reading: reading(),
    hysteresis: null,
    config: config(),
    occupancy: occupancy(),
    now: NOON,
    ...over,
    task: taskOf(task)
  })

export const gateIn = ({ gates }: { gates: GateAnswer[] }, name: string): GateAnswer | undefined =>
  gates.find(({ gate }) => gate === name)

export const later = (hours: number) => NOON + hours * HOUR
