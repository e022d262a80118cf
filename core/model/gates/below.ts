import type { Said } from './gate.ts'
import { READ, inDefinition, rounded, shareWords } from './gate.ts'
import { UNKNOWN, known } from '../machine/reading.ts'
import { relaxedUp } from './relax.ts'
import type { Maybe } from '../machine/reading.ts'

/** A share that must stay below a limit. */
export interface Limit {
  gate: string
  /** The subject of the message: `other programs use … of the processors`. */
  words: (share: string) => string
  /** The code while it is closed. */
  busy: string
  observed: Maybe<number>
  /** The limit of the task itself, which takes the place of the other. */
  own: { name: string, value: number | undefined }
  standard: { value: number, source: string }
  relaxed: number
}

/** The answer on a share that must stay below a limit. What nobody knows holds only a task that asks for the limit itself. */
export function below ({ gate, words, busy, observed, own, standard, relaxed }: Limit): Said {
  const full = own.value ?? standard.value
  const required = rounded(relaxedUp(full, relaxed))
  const facts = { gate, required, ...READ, source: own.value === undefined ? standard.source : inDefinition(own.name), ...required !== full && { relaxed_from: full } }
  if (!known(observed)) {
    const ok = own.value === undefined
    const message = `nobody can tell whether ${words('too much')}${ok ? ': not held for it' : `, and the task asks for less than ${shareWords(required)}`}`
    return { ...facts, ok, code: ok ? 'unknown' : `${gate}_unknown`, message, observed: UNKNOWN }
  }
  // A limit of all there is has given way: nothing is above it.
  const ok = observed < required || required >= 1
  return { ...facts, ok, code: ok ? 'ok' : busy, message: `${words(shareWords(observed))}, and the limit is ${shareWords(required)}`, observed: rounded(observed) }
}
