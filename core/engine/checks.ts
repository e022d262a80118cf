import { clamped } from '../model/base/clock.ts'
import { foundWords } from '../model/base/check.ts'
import { inputInvalid } from '../model/errors/input-errors.ts'
import type { Detail } from '../model/errors/errors.ts'
import { CONDITIONS, CONFLICTS, PRIORITIES, SOURCES } from '../model/run/run.ts'
import type { NewRun, Unique } from '../model/run/run.ts'
import { validId } from '../model/task/task.ts'
import type { EditAsk } from './engine.ts'
import { refFaults } from './refs.ts'

const REF = /^[A-Za-z0-9][\w.-]{0,99}$/

const isKeyUntil = (until: Unique['until']): boolean =>
  ['started', 'finished', 'kept'].includes(until as string) || (Number.isSafeInteger(until) && (until as number) >= 0)

const INSTANT = 'an instant in ms'

/** Whether a Date can have this instant: keepers return no integer beyond that range. */
const isInstant = (at: number): boolean => Number.isInteger(at) && clamped(at) === at

type FieldCheck = [field: keyof NewRun, expected: string, holds: (ask: NewRun) => boolean]

const CHECKS: FieldCheck[] = [
  ['task', 'a task id', ({ task }) => validId(task)],
  ['queue', 'the id of a queue', ({ queue }) => validId(queue)],
  ['priority', `one of ${PRIORITIES.join(', ')}`, ({ priority }) => PRIORITIES.includes(priority)],
  ['source', `one of ${SOURCES.join(', ')}`, ({ source }) => SOURCES.includes(source)],
  ['due_at', INSTANT, ({ due_at }) => isInstant(due_at)],
  ['nominal_at', INSTANT, ({ nominal_at }) => nominal_at === undefined || isInstant(nominal_at)],
  ['max_retries', 'a count', ({ max_retries }) => Number.isSafeInteger(max_retries) && max_retries >= 0],
  ['missed', 'a count', ({ missed }) => missed === undefined || (Number.isSafeInteger(missed) && missed >= 0)],
  ['schedule', 'the id of a schedule', ({ schedule = null }) => schedule === null || typeof schedule === 'string'],
  ['key', 'a text without lone surrogates',
    ({ key = null }) => key === null || (typeof key === 'string' && key.isWellFormed())],
  ['now', 'true or false', ({ now }) => now === undefined || typeof now === 'boolean'],
  ['single', 'true or false', ({ single }) => single === undefined || typeof single === 'boolean']
]

/** Members that few runs have. */
const RARE_CHECKS: FieldCheck[] = [
  [
    'deadline_at',
    INSTANT,
    ({ deadline_at = null }) => deadline_at === null || isInstant(deadline_at)
  ],
  ['expires', 'true or false', ({ expires = false }) => typeof expires === 'boolean'],
  ['ref', 'a name of letters, digits, _, . and -', ({ ref }) => ref === undefined || REF.test(ref)],
  ['unique', `{ until, conflict } for a key, with one of ${CONFLICTS.join(', ')}`,
    ({ unique, key }) =>
      unique === undefined ||
      (typeof key === 'string' && isKeyUntil(unique.until) && CONFLICTS.includes(unique.conflict))]
]

const ALL_CHECKS = [...CHECKS, ...RARE_CHECKS]

const isRare = ({ deadline_at, expires, ref, after, unique }: NewRun): boolean =>
  deadline_at !== undefined || expires !== undefined || ref !== undefined || after !== undefined || unique !== undefined

/** The found value and the expected one. */
const mismatch = (found: unknown, expected: string): string => `found ${foundWords(found)}, expected ${expected}`

const afterFaults = (after: NonNullable<NewRun['after']>, index: number): Detail[] =>
  after.flatMap(({ run, condition }, place) => [
    ...typeof run === 'string'
      ? []
      : [{ pointer: `/${index}/after/${place}/run`, detail: mismatch(run, 'the id of a run') }],
    ...CONDITIONS.includes(condition)
      ? []
      : [{
        pointer: `/${index}/after/${place}/condition`,
        detail: mismatch(condition, `one of ${CONDITIONS.join(', ')}`)
      }]
  ])

/** Throws OFFPEAK_INPUT_INVALID with every fault of the new runs. */
export function checkNew (runs: readonly NewRun[]): void {
  const errors: Detail[] = hasDependencies(runs) ? refFaults(runs) : []
  for (const [index, ask] of runs.entries()) {
    for (const [field, expected, holds] of isRare(ask) ? ALL_CHECKS : CHECKS) {
      if (!holds(ask)) errors.push({ pointer: `/${index}/${field}`, detail: mismatch(ask[field], expected) })
    }
    if (ask.after !== undefined) errors.push(...afterFaults(ask.after, index))
  }
  throwIfFaulty(errors)
}

/** True when a run has a ref or a prerequisite. */
export const hasDependencies = (runs: readonly NewRun[]): boolean =>
  runs.some(({ ref, after }) => ref !== undefined || after !== undefined)

/** Throws OFFPEAK_INPUT_INVALID when there are faults. */
export function throwIfFaulty (errors: Detail[]): void {
  if (errors.length > 0) throw inputInvalid({ what: 'These runs cannot be added', errors })
}

/** Throws OFFPEAK_INPUT_INVALID when a new value is not valid. */
export function checkEdit ({ priority, due_at }: EditAsk): void {
  const errors = [
    ...priority === undefined || PRIORITIES.includes(priority)
      ? []
      : [{ pointer: '/priority', detail: mismatch(priority, `one of ${PRIORITIES.join(', ')}`) }],
    ...due_at === undefined || Number.isSafeInteger(due_at)
      ? []
      : [{ pointer: '/due_at', detail: mismatch(due_at, 'an instant in ms') }]
  ]
  if (errors.length > 0) throw inputInvalid({ what: 'This run cannot be changed', errors })
}
