import { bytesOf } from '../base/size.ts'
import { expectedWords, pointerOf } from '../base/check.ts'
import { nearest } from '../base/nearest.ts'
import { inlineWindow, openingAt, windowOf } from '../machine/window.ts'
import { milliseconds, spanWords } from '../base/duration.ts'
import { signalTest } from '../machine/signal.ts'
import type { Constraints, HoldPolicy } from '../task/constraint.ts'
import type { Detail } from '../errors/errors.ts'
import type { Duration } from '../base/duration.ts'
import type { Window } from '../machine/window.ts'
import type { WindowSetting } from '../config/limits.ts'

/** The names that constraints may use; an absent list is not checked. */
interface Known {
  windows?: Readonly<Record<string, WindowSetting>> | undefined
  probes?: readonly string[] | undefined
  timezone: string
  /** A representative sample of the fires of the task's schedule, epoch ms. */
  fires?: readonly number[] | undefined
}

type Ask = Pick<HoldPolicy, 'constraints' | 'deadlineMs'>
type Rule = (ask: Ask, known: Known) => Detail[]

const POINTER = ['constraints']
const fault = (path: (string | number)[], detail: string): Detail => ({
  pointer: pointerOf([...POINTER, ...path]),
  detail
})

/** `did you mean 'x'?`, or the known names. */
const choices = (name: string, names: readonly string[]): string => {
  const near = nearest(name, names)
  return near === null ? `known are ${names.join(', ') || 'none'}` : `did you mean '${near}'?`
}

function windowNamed (text: string, { windows, timezone }: Known): Window | null {
  const setting = windows !== undefined && Object.hasOwn(windows, text) ? windows[text] : undefined
  return setting === undefined ? inlineWindow(text, timezone) : windowOf(text, setting, timezone)
}

const window: Rule = ({ constraints: { window: text } }, known) => {
  if (text === undefined) return []
  const found = windowNamed(text, known)
  if (found === null) {
    return known.windows === undefined
      ? []
      : [
        fault(['window'],
          `'${text}' is neither a window of scheduling.time_windows nor hours such as '01:00-05:00': ${
            choices(text, Object.keys(known.windows))
          }`)
      ]
  }
  if (found.start === found.end) {
    return [fault(['window'], `'${text}' opens and closes at the same time: write '00:00-24:00' for the whole day`)]
  }
  return openingAt(found, 0) === null ? [fault(['window'], `'${text}' never opens: change its hours or days`)] : []
}

const waitAt = (found: Window, at: number): number => Math.max(0, (openingAt(found, at)?.from ?? Infinity) - at)

// A run requested by hand may come while the window is open, so only schedules are checked.
const deadline: Rule = ({ constraints: { window: text }, deadlineMs }, known) => {
  const found = text === undefined ? null : windowNamed(text, known)
  if (found === null || known.fires === undefined || known.fires.length === 0 || openingAt(found, 0) === null) return []
  const shortest = Math.min(...known.fires.map(at => waitAt(found, at)))
  if (shortest <= deadlineMs) return []
  return [
    fault(['window'],
      `'${text}' opens at least ${spanWords(shortest)} after each fire of the schedule, later than the deadline of ${
        spanWords(deadlineMs)
      }: lengthen the deadline, or move the window or the schedule`)
  ]
}

const battery: Rule = ({ constraints: { power, battery_above: above, battery_below: below } }) => {
  if (below === undefined) return []
  if (power === 'mains' || power === 'charging') {
    return [fault(['battery_below'], `applies on battery only, but power requires ${power}: remove one of the two`)]
  }
  if (below === 0) return [fault(['battery_below'], 'found 0, expected more than 0: no battery is below that')]
  return above === undefined || above < below
    ? []
    : [fault(['battery_below'], `found ${below}, expected more than battery_above, which is ${above}`)]
}

const idle: Rule = ({ constraints: { idle: value } }) => {
  if (value === undefined || typeof value === 'boolean') return []
  try {
    milliseconds(value as Duration)
    return []
  } catch {
    return [
      fault(['idle'], `found '${value}', expected true, or ${expectedWords({ title: 'duration' })}, at most ten years`)
    ]
  }
}

const disk: Rule = ({ constraints: { disk_free: value } }) =>
  value === undefined || bytesOf(value) !== null
    ? []
    : [fault(['disk_free'], `found '${value}', expected bytes as a number, or words such as '5 GB'`)]

const probes: Rule = ({ constraints: { not_while: names = [] } }, { probes: known }) => {
  if (known === undefined) return []
  return names.flatMap((name, index) =>
    known.includes(name)
      ? []
      : [fault(['not_while', index], `no probe is named '${name}': ${choices(name, known)}`)]
  )
}

const signals: Rule = ({ constraints: { signals: tests = {} } }) =>
  Object.entries(tests).flatMap(([name, text]) =>
    signalTest(text) !== null
      ? []
      : [fault(['signals', name], `found '${text}', expected a comparison such as '> 500', '!= away' or 'home'`)]
  )

const RULES: readonly Rule[] = [window, deadline, battery, idle, disk, probes, signals]

/** The faults in the constraints of a task that its schema cannot find: unknown names, comparisons that do not parse,
 *  contradictions. Pointers lead into the definition. */
export const checkConstraints = (ask: { constraints: Constraints, deadlineMs: number }, known: Known): Detail[] =>
  RULES.flatMap(rule => rule(ask, known))
