import { STATES } from '../../../model/run/run.ts'
import type { State } from '../../../model/run/run.ts'

const NUMBERS = Object.fromEntries(STATES.map((state, index) => [state, index])) as Record<State, number>

/** The stored number of a state: its index in STATES. */
export const stateNumber = (state: State): number => NUMBERS[state]
