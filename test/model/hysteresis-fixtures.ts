import { NOON, config, desktop, verdict } from './gates/machine.ts'
import { MINUTE, SECOND } from '../../core/model/base/duration.ts'
import { smoothed, nextHysteresis } from '../../core/model/machine/hysteresis.ts'
import type { Reading } from '../../core/model/machine/reading.ts'
import type { Hysteresis } from '../../core/model/machine/hysteresis.ts'
import type { Task } from '../../core/model/task/task.ts'

export const CONFIG = config()

/** What a task is given as readings come in: the instants (ms from the first) at which its verdict changes, and the
 *  first verdict. */
export function changes (readings: Iterable<[number, Reading]>, task: Partial<Task> = {}, settings = CONFIG) {
  let state: Hysteresis | null = null
  let last: string | undefined
  const found: [number, string][] = []
  for (const [after, reading] of readings) {
    const now = NOON + after
    state = nextHysteresis(state, reading, settings, now)
    const { decision } = verdict({
      task,
      reading,
      hysteresis: state,
      config: settings,
      now,
      run: { task: 'work', due_at: now, priority: 'normal' }
    })
    if (decision !== last) found.push([after, decision])
    last = decision
  }
  return found
}

export function* every (
  periodMs: number,
  count: number,
  readingAt: (index: number) => Reading
): Generator<[number, Reading]> {
  for (let index = 0; index < count; index++) yield [index * periodMs, readingAt(index)]
}

export const cpu = (busy: Reading['cpu']['busy'], own: Reading['cpu']['own'] = 0) =>
  desktop({ cpu: { busy, own, load: 'unknown', cores: 4 } })

/** What the gates saw at the first instant, and at each later one at which `look` answers otherwise. */
export function seen<T> (readings: Iterable<[number, Reading]>, look: (reading: Reading) => T): [number, T][] {
  let state: Hysteresis | null = null
  const found: [number, T][] = []
  for (const [at, reading] of readings) {
    state = nextHysteresis(state, reading, CONFIG, NOON + at)
    const value = look(smoothed(reading, state))
    if (found.at(-1)?.[1] !== value) found.push([at, value])
  }
  return found
}

export const BACK = 2 * 60 * MINUTE

/** Twenty readings a second apart, then the clock is set back by two hours and another sixty come. */
export const setBack = (before: readonly [Reading, Reading], after: Reading): [number, Reading][] => [
  ...Array.from({ length: 20 }, (_, index): [number, Reading] => [index * SECOND, before[index < 10 ? 0 : 1]]),
  ...Array.from({ length: 60 }, (_, index): [number, Reading] => [index * SECOND - BACK, after])
]
